"""Whose turn it is, among the processes of a kind, and how far the one before came."""

import secrets
from typing import Any

from redis.asyncio import Redis

from feed_service.store.outages import Patience

_TAKE = """
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'EX', ARGV[2])
return 1
"""


class Turns:
    """A lease in Redis for work that several may do at once without harm, and that is better done by one. Raises
    Unavailable REDIS_UNAVAILABLE."""

    def __init__(self, redis: Redis, patience: Patience, name: str, *, seconds: int = 20) -> None:
        self._redis: Any = redis
        self._patience, self._seconds, self._me = patience, seconds, secrets.token_hex(8)
        self._lease, self._place = f"feed:turn:{{{name}}}", f"feed:turn:{{{name}}}:place"
        self._take = redis.register_script(_TAKE)

    async def take(self) -> bool:
        """Whether it is this process' turn, for the lease's seconds from now."""
        async with self._patience.waiting():
            return bool(await self._take(keys=[self._lease], args=[self._me, self._seconds]))

    async def place(self) -> int | None:
        """What was kept last, by whomever."""
        async with self._patience.waiting():
            kept = await self._redis.get(self._place)
        return None if kept is None else int(kept)

    async def keep(self, place: int) -> None:
        async with self._patience.waiting():
            await self._redis.set(self._place, place)
