"""Queries of time-based codes and recovery codes."""

from collections.abc import Sequence
from datetime import datetime

from kit.postgres import Connection, Postgres, Record

from user_service.model.factors import Factors, Sealed, Totp

_TOTP = (
    "select secret, sealed_with, expires_at, confirmed_at, last_step, last_used_at, wrong_codes, wrong_at from totp "
    "where user_id = $1"
)
_LEFT = "select count(*) from recovery_codes where user_id = $1 and used_at is null"


class FactorStore:
    """What takes a connection runs in its transaction; the rest reads the primary: these rows say who may come in."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def of(self, user_id: int) -> Factors:
        async with self._postgres.primary.acquire() as conn:
            return await self.of_within(conn, user_id)

    async def of_within(self, conn: Connection, user_id: int) -> Factors:
        row = await conn.fetchrow(f"{_TOTP} and confirmed_at is not null", user_id)
        codes = await conn.fetchval(_LEFT, user_id)
        passkeys = await conn.fetchval("select count(*) from passkeys where user_id = $1", user_id)
        return Factors(_totp(row) if row else None, codes, passkeys)

    async def lock_totp(self, conn: Connection, user_id: int) -> Totp | None:
        """Also one that waits to be confirmed. Codes of an account are looked at one after another."""
        row = await conn.fetchrow(f"{_TOTP} for update", user_id)
        return _totp(row) if row else None

    async def begin_totp(self, conn: Connection, user_id: int, secret: Sealed, expires_at: datetime) -> None:
        """Takes the place of a secret that waits; the caller has seen that none is confirmed."""
        await conn.execute(
            "insert into totp (user_id, secret, sealed_with, expires_at) values ($1, $2, $3, $4) "
            "on conflict (user_id) do update set secret = $2, sealed_with = $3, expires_at = $4",
            user_id,
            secret.data,
            secret.key_id,
            expires_at,
        )

    async def confirm_totp(self, conn: Connection, user_id: int, step: int, now: datetime) -> None:
        await conn.execute(
            "update totp set confirmed_at = $3, last_step = $2, last_used_at = $3 where user_id = $1",
            user_id,
            step,
            now,
        )

    async def take_step(self, conn: Connection, user_id: int, step: int, now: datetime) -> None:
        """The row is locked."""
        await conn.execute(
            "update totp set last_step = $2, last_used_at = $3, wrong_codes = 0, wrong_at = null where user_id = $1",
            user_id,
            step,
            now,
        )

    async def count_wrong_code(self, conn: Connection, user_id: int, now: datetime) -> None:
        query = "update totp set wrong_codes = wrong_codes + 1, wrong_at = $2 where user_id = $1"
        await conn.execute(query, user_id, now)

    async def remove_totp(self, conn: Connection, user_id: int) -> None:
        await conn.execute("delete from totp where user_id = $1", user_id)

    async def remove_all(self, conn: Connection, user_id: int) -> None:
        await self.remove_totp(conn, user_id)
        await conn.execute("delete from recovery_codes where user_id = $1", user_id)

    async def replace_codes(self, conn: Connection, user_id: int, hashes: Sequence[bytes]) -> None:
        await conn.execute("delete from recovery_codes where user_id = $1", user_id)
        await conn.execute(
            "insert into recovery_codes (user_id, code_hash) select $1, one from unnest($2::bytea[]) as one",
            user_id,
            list(hashes),
        )

    async def use_code(self, conn: Connection, user_id: int, code_hash: bytes, now: datetime) -> bool:
        """True once for each code, however many come with it at once."""
        query = "update recovery_codes set used_at = $3 where user_id = $1 and code_hash = $2 and used_at is null"
        return await conn.execute(query, user_id, code_hash, now) == "UPDATE 1"

    async def codes_left(self, conn: Connection, user_id: int) -> int:
        return await conn.fetchval(_LEFT, user_id)

    async def sealed_with_others(self, key_id: str, limit: int) -> Sequence[int]:
        """Accounts whose secret is under another key than this."""
        query = "select user_id from totp where sealed_with <> $1 order by user_id limit $2"
        return [row["user_id"] for row in await self._postgres.primary.fetch(query, key_id, limit)]

    async def reseal(self, conn: Connection, user_id: int, secret: Sealed) -> None:
        query = "update totp set secret = $2, sealed_with = $3 where user_id = $1"
        await conn.execute(query, user_id, secret.data, secret.key_id)

    async def sweep(self, now: datetime) -> None:
        """Forgets secrets that were never confirmed."""
        await self._postgres.primary.execute("delete from totp where confirmed_at is null and expires_at < $1", now)


def _totp(row: Record) -> Totp:
    return Totp(
        secret=Sealed(row["secret"], row["sealed_with"]),
        expires_at=row["expires_at"],
        confirmed_at=row["confirmed_at"],
        last_step=row["last_step"],
        last_used_at=row["last_used_at"],
        wrong_codes=row["wrong_codes"],
        wrong_at=row["wrong_at"],
    )
