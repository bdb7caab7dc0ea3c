"""Queries of passkeys and of the challenges that they answer."""

from datetime import datetime

from kit.postgres import Connection, Postgres, Record

from user_service.model.factors import MOST_PASSKEYS, Passkey, Purpose

_SELECT = (
    "select passkey_id, user_id, credential_id, public_key, sign_count, transports, name, created_at, last_used_at "
    "from passkeys where user_id = $1"
)


class PasskeyStore:
    """What takes a connection runs in its transaction; the rest reads the primary."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def of(self, user_id: int, *, before: int | None = None, limit: int = MOST_PASSKEYS) -> list[Passkey]:
        """Newest first, from those with an id lower than `before`."""
        query = f"{_SELECT} and ($2::bigint is null or passkey_id < $2) order by passkey_id desc limit $3"
        return [_passkey(row) for row in await self._postgres.primary.fetch(query, user_id, before, limit)]

    async def lock(self, conn: Connection, user_id: int, credential_id: bytes) -> Passkey | None:
        """Its answers are looked at one after another."""
        row = await conn.fetchrow(f"{_SELECT} and credential_id = $2 for update", user_id, credential_id)
        return _passkey(row) if row else None

    async def owner(self, credential_id: bytes) -> int | None:
        query = "select user_id from passkey_ids where credential_id = $1"
        return await self._postgres.primary.fetchval(query, credential_id)

    async def handle(self, user_id: int) -> bytes | None:
        query = "select handle from passkey_handles where user_id = $1"
        return await self._postgres.primary.fetchval(query, user_id)

    async def make_handle(self, conn: Connection, user_id: int, handle: bytes) -> bytes:
        """The one that is there already, or this."""
        await conn.execute(
            "insert into passkey_handles (user_id, handle) values ($1, $2) on conflict do nothing", user_id, handle
        )
        return await conn.fetchval("select handle from passkey_handles where user_id = $1", user_id)

    async def insert(self, conn: Connection, passkey: Passkey) -> int | None:
        """Answers the new passkey's id: the given one's is not looked at. None when anybody has the credential."""
        claimed = await conn.execute(
            "insert into passkey_ids (credential_id, user_id) values ($1, $2) on conflict do nothing",
            passkey.credential_id,
            passkey.user_id,
        )
        if claimed != "INSERT 0 1":
            return None
        return await conn.fetchval(
            "insert into passkeys (user_id, credential_id, public_key, sign_count, transports, name, created_at) "
            "values ($1, $2, $3, $4, $5, $6, $7) returning passkey_id",
            passkey.user_id,
            passkey.credential_id,
            passkey.public_key,
            passkey.sign_count,
            list(passkey.transports),
            passkey.name,
            passkey.created_at,
        )

    async def count_use(self, conn: Connection, passkey: Passkey, sign_count: int, now: datetime) -> None:
        """The row is locked."""
        await conn.execute(
            "update passkeys set sign_count = $3, last_used_at = $4 where user_id = $1 and passkey_id = $2",
            passkey.user_id,
            passkey.id,
            sign_count,
            now,
        )

    async def remove(self, conn: Connection, user_id: int, passkey_id: int) -> str | None:
        """Its name; None when there is none."""
        row = await conn.fetchrow(
            "delete from passkeys where user_id = $1 and passkey_id = $2 returning name, credential_id",
            user_id,
            passkey_id,
        )
        if row is None:
            return None
        await conn.execute("delete from passkey_ids where credential_id = $1", row["credential_id"])
        return row["name"]

    async def remove_all(self, conn: Connection, user_id: int) -> None:
        """With the handle: passkeys that are made later belong to another user, as authenticators see it."""
        rows = await conn.fetch("delete from passkeys where user_id = $1 returning credential_id", user_id)
        gone = [row["credential_id"] for row in rows]
        await conn.execute("delete from passkey_ids where credential_id = any($1::bytea[])", gone)
        await conn.execute("delete from passkey_handles where user_id = $1", user_id)
        await conn.execute("delete from passkey_challenges where user_id = $1", user_id)

    async def put_challenge(
        self, user_id: int, ticket_hash: bytes, purpose: Purpose, challenge: bytes, expires_at: datetime
    ) -> None:
        await self._postgres.primary.execute(
            "insert into passkey_challenges (user_id, ticket_hash, purpose, challenge, expires_at) "
            "values ($1, $2, $3, $4, $5)",
            user_id,
            ticket_hash,
            purpose.value,
            challenge,
            expires_at,
        )

    async def take_challenge(self, user_id: int, ticket_hash: bytes, purpose: Purpose, now: datetime) -> bytes | None:
        """Once."""
        return await self._postgres.primary.fetchval(
            "delete from passkey_challenges where user_id = $1 and ticket_hash = $2 and purpose = $3 "
            "and expires_at > $4 returning challenge",
            user_id,
            ticket_hash,
            purpose.value,
            now,
        )

    async def sweep(self, now: datetime) -> None:
        """Forgets challenges that were not answered in time."""
        await self._postgres.primary.execute("delete from passkey_challenges where expires_at < $1", now)


def _passkey(row: Record) -> Passkey:
    return Passkey(
        id=row["passkey_id"],
        user_id=row["user_id"],
        credential_id=row["credential_id"],
        public_key=row["public_key"],
        sign_count=row["sign_count"],
        transports=tuple(row["transports"]),
        name=row["name"],
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
    )
