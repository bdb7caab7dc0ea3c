"""A cache of what the truth holds, in Redis: read through it, or written with the change.

An older value never replaces a newer one: what a reader loaded fills only an empty place, a put gives way to a higher
version, and a drop keeps the place closed for longer than any load of the old value can take.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from prometheus_client import Counter
from redis.asyncio import Redis
from redis.exceptions import RedisError

from kit import log
from kit.hotredis import HotRedis

T = TypeVar("T")
Load = Callable[[Sequence[int]], Awaitable[Mapping[int, T]]]

LOOKUPS = Counter("heliograph_cache_lookups_total", "Ids looked up", ["cache", "outcome"])

_VERSION_BYTES = 8
_CLOSED = b"\xff" * _VERSION_BYTES  # a place whose value was dropped: higher than any version
_CLOSED_SECONDS = 10
_AVOID_SECONDS = 1.0
# Versions are big-endian, so they compare as strings.
_PUT = """
local old = redis.call('getrange', KEYS[1], 0, 7)
if old ~= '' and old > string.sub(ARGV[1], 1, 8) then return 0 end
redis.call('set', KEYS[1], ARGV[1], 'px', ARGV[2])
return 1
"""

logger = log.get(__name__)


class Cache(Generic[T]):
    """Values by id under `prefix`, kept for `ttl` seconds. Never raises for Redis' sake: without it all reads load."""

    def __init__(
        self,
        redis: Redis,
        prefix: str,
        encode: Callable[[T], bytes],
        decode: Callable[[bytes], T],
        ttl: float,
        *,
        hot: HotRedis | None = None,
    ) -> None:
        """`hot`, to the same Redis, is for what is read many hundred times a second."""
        self._redis: Any = redis
        self._hot = hot
        self._prefix, self._encode, self._decode = prefix, encode, decode
        self._ttl_ms = int(ttl * 1000)
        self._flights: dict[int, asyncio.Task[Mapping[int, T]]] = {}
        self._avoid_until = 0.0

    async def get_many(self, ids: Sequence[int], load: Load[T]) -> dict[int, T]:
        """What exists of `ids`, in their order. The missing ones are loaded in one call; who asks for the same id at
        the same time shares that load, its error too."""
        wanted = list(dict.fromkeys(ids))
        found = await self._read(wanted)
        missing = [each for each in wanted if each not in found]
        LOOKUPS.labels(self._prefix, "hit").inc(len(found))
        LOOKUPS.labels(self._prefix, "miss").inc(len(missing))
        for task in self._fly(missing, load):
            found |= await asyncio.shield(task)
        return {each: found[each] for each in wanted if each in found}

    async def get(self, entity_id: int, load: Load[T]) -> T | None:
        return (await self.get_many([entity_id], load)).get(entity_id)

    async def put(self, entity_id: int, value: T, version: int = 0) -> None:
        """Writes with a change that was just committed. `version` grows with each change of the entity (a version
        column, or microseconds of updated_at); without one a late put may bring back an older value."""
        self._flights.pop(entity_id, None)
        content = version.to_bytes(_VERSION_BYTES, "big") + self._encode(value)
        await self._try(self._redis.eval(_PUT, 1, self._key(entity_id), content, self._ttl_ms))

    async def drop(self, *ids: int) -> None:
        """Forgets, after the commit of a change. For some seconds every read of these ids loads, so that a value read
        before the change cannot come back. Do it in the event's handler too: Redis may have been away at first."""
        if not ids:
            return
        for each in ids:
            self._flights.pop(each, None)
        pipe = self._redis.pipeline(transaction=False)
        for each in ids:
            pipe.set(self._key(each), _CLOSED, ex=_CLOSED_SECONDS)
        await self._try(pipe.execute())

    def _fly(self, ids: Sequence[int], load: Load[T]) -> list["asyncio.Task[Mapping[int, T]]"]:
        """The loads that bring `ids`: those under way, and a new one for the rest."""
        new = [each for each in ids if each not in self._flights]
        if new:
            task = asyncio.create_task(self._load(new, load))
            self._flights |= dict.fromkeys(new, task)
            task.add_done_callback(lambda done: self._land(new, done))
        return list(dict.fromkeys(self._flights[each] for each in ids))

    async def _load(self, ids: Sequence[int], load: Load[T]) -> Mapping[int, T]:
        loaded = await load(ids)
        if loaded and time.monotonic() >= self._avoid_until:
            pipe = self._redis.pipeline(transaction=False)
            for each, value in loaded.items():
                pipe.set(self._key(each), bytes(_VERSION_BYTES) + self._encode(value), px=self._ttl_ms, nx=True)
            await self._try(pipe.execute())
        return loaded

    def _land(self, ids: Sequence[int], task: "asyncio.Task[Mapping[int, T]]") -> None:
        for each in ids:
            if self._flights.get(each) is task:
                del self._flights[each]
        if not task.cancelled():
            task.exception()  # those who wait get it; when all of them gave up, nobody need hear of it

    async def _read(self, ids: Sequence[int]) -> dict[int, T]:
        if not ids or time.monotonic() < self._avoid_until:
            return {}
        keys = [self._key(each) for each in ids]
        contents = await self._try(self._hot.execute("MGET", *keys) if self._hot else self._redis.mget(keys)) or ()
        return {
            each: self._decode(content[_VERSION_BYTES:])
            for each, content in zip(ids, contents, strict=False)
            if content and content != _CLOSED
        }

    async def _try(self, call: Awaitable[Any]) -> Any:
        """None when Redis is away, which then is left alone for a second."""
        try:
            return await call
        except (RedisError, OSError) as error:
            if time.monotonic() >= self._avoid_until:
                logger.warning("cache is away", cache=self._prefix, error=repr(error))
            self._avoid_until = time.monotonic() + _AVOID_SECONDS
            return None

    def _key(self, entity_id: int) -> str:
        return f"{self._prefix}:{{{entity_id}}}"
