"""Accounts that do not read any more, in Redis: the set `feed:idle:{idle}` of ids of 8 bytes each. A set that is lost
says that nobody is idle, which is always right to believe.

Measured at 400,000 members: 64 bytes each, and 0.9 us of Redis' time for each follower asked for. A bitmap has no place
for ids that are times; many small sets took the same room and no less time.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from kit.errors import Unavailable
from redis.asyncio import Redis

from feed_service.model import pack
from feed_service.store.outages import Patience
from feed_service.store.scripts import HOME
from feed_service.store.warm import KEPT_SECONDS, key_of

IDLE = "feed:idle:{idle}"

# Those of the ids that are not idle, or nothing when that is all of them.
_AWAKE = """
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
local ids, asked = ARGV[1], {}
for at = 1, #ids, 8 do asked[#asked + 1] = string.sub(ids, at, at + 7) end
local found, awake = redis.call('SMISMEMBER', KEYS[1], unpack(asked)), {}
for at = 1, #asked do
    if found[at] == 0 then awake[#awake + 1] = asked[at] end
end
if #awake == #asked then return false end
return table.concat(awake)
"""

# One clock for those who come and those who go: that of Redis, read in the same step as the set is changed.
_ADD = """
local time = redis.call('TIME')
if time[1] * 1000000 + time[2] >= tonumber(ARGV[1]) then return 0 end
redis.call('SADD', KEYS[1], unpack(ARGV, 2))
return 1
"""
_LEAVE = """
redis.call('SREM', KEYS[1], ARGV[1])
return redis.call('TIME')
"""


class IdleAccounts:
    """Raises Unavailable REDIS_UNAVAILABLE, but where it says otherwise."""

    def __init__(self, redis: Redis, patience: Patience, *, now: Callable[[], datetime]) -> None:
        self._redis: Any = redis
        self._patience, self._now = patience, now
        self._awake = redis.register_script(_AWAKE)
        self._add = redis.register_script(_ADD)
        self._leave = redis.register_script(_LEAVE)

    async def awake(self, followers: bytes) -> bytes:
        """All of them during an outage."""
        try:
            async with self._patience.waiting():
                awake = await self._awake(keys=[IDLE], args=[followers]) if followers else None
        except Unavailable:
            return followers
        return followers if awake is None else awake

    async def leave(self, user_id: int) -> int | None:
        try:
            async with self._patience.waiting():
                seconds, micros = await self._leave(keys=[IDLE], args=[pack([user_id])])
        except Unavailable:
            return None
        return int(seconds) * 1_000_000 + int(micros)

    async def add(self, user_ids: Sequence[int], before_us: int) -> bool:
        async with self._patience.waiting():
            return bool(await self._add(keys=[IDLE], args=[before_us, *(pack([one]) for one in user_ids)]))

    async def time_us(self) -> int:
        async with self._patience.waiting():
            seconds, micros = await self._redis.time()
        return seconds * 1_000_000 + micros

    async def last_reads(self, user_ids: Sequence[int]) -> Mapping[int, datetime]:
        """Of those whose timelines are warm: to the day, as reads prolong a timeline's life once a day."""
        async with self._patience.waiting(), self._redis.pipeline(transaction=False) as pipe:
            for user_id in user_ids:
                pipe.ttl(key_of(HOME, user_id))
            left: Sequence[int] = await pipe.execute()
        warm = {one: seconds for one, seconds in zip(user_ids, left, strict=True) if seconds >= 0}
        return {one: self._now() - timedelta(seconds=KEPT_SECONDS - seconds) for one, seconds in warm.items()}
