"""The newest of lists that many read, kept in Redis for a moment: `feed:top:<kind>:{<key>}`. What one process loaded
the others need not load as well."""

from collections.abc import Awaitable, Callable, Sequence
from itertools import chain
from typing import Any, TypeVar

from kit.hotredis import HotRedis
from redis.exceptions import RedisError

from feed_service.model import ID_BYTES, NEWEST_KEPT, TOP, Entry, pack, unpack

K = TypeVar("K")
Load = Callable[[K, int, int], Awaitable[Sequence[Entry]]]

_ENTRY_BYTES = 2 * ID_BYTES


class SharedTops:
    """`seconds` are how old a list may be; with 0 none is kept. Without Redis every list is loaded."""

    def __init__(self, redis: HotRedis, *, seconds: float) -> None:
        self._redis, self._ms = redis, int(seconds * 1000)

    def shared(self, kind: str, load: Load[K]) -> Load[K]:
        """`load`, of which the first entries are shared by all who ask for lists of this kind."""
        if not self._ms:
            return load

        async def slice_of(key: K, before: int, limit: int) -> Sequence[Entry]:
            if before != TOP or limit > NEWEST_KEPT:
                return await load(key, before, limit)
            name = f"feed:top:{kind}:{{{key}}}"
            packed = await _unless_down(self._redis.execute("GET", name))
            if packed is not None:
                return _unpacked(packed[: limit * _ENTRY_BYTES])
            entries = await load(key, TOP, NEWEST_KEPT)
            await _unless_down(
                self._redis.execute("SET", name, pack(chain.from_iterable(entries)), "PX", self._ms, "NX")
            )
            return entries[:limit]

        return slice_of


async def _unless_down(asking: Awaitable[Any]) -> Any:
    try:
        return await asking
    except RedisError:
        return None


def _unpacked(packed: bytes) -> Sequence[Entry]:
    ids = iter(unpack(packed))
    return list(map(Entry._make, zip(ids, ids, strict=True)))
