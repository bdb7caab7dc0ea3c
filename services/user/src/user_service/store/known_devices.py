"""Queries of the devices that accounts know."""

from datetime import datetime

from kit.postgres import Postgres

_REMEMBER = (
    "insert into known_devices (user_id, token_hash, created_at, last_used_at) values ($1, $2, $3, $3) "
    "on conflict (user_id, token_hash) do update set last_used_at = excluded.last_used_at"
)
_TRIM = (
    "delete from known_devices where user_id = $1 and token_hash in "
    "(select token_hash from known_devices where user_id = $1 order by last_used_at desc, token_hash offset $2)"
)


class KnownDeviceStore:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def knows(self, user_id: int, token_hash: bytes) -> bool:
        query = "select exists (select from known_devices where user_id = $1 and token_hash = $2)"
        return await self._postgres.primary.fetchval(query, user_id, token_hash)

    async def remember(self, user_id: int, token_hash: bytes, now: datetime, *, most: int) -> None:
        """Of more than `most` devices those used longest ago are forgotten."""
        async with self._postgres.primary.transaction() as conn:
            await conn.execute(_REMEMBER, user_id, token_hash, now)
            await conn.execute(_TRIM, user_id, most)

    async def sweep(self, unused_since: datetime) -> None:
        await self._postgres.primary.execute("delete from known_devices where last_used_at < $1", unused_since)
