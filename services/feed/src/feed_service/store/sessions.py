"""Rankings that somebody pages through, in Redis: strings `feed:top:{<viewer>}:<session>` of records of a fixed size,
and the sorted set `feed:top:{<viewer>}` of the viewer's sessions by when they began. A page is one piece of a string.

Half an hour after the last page they are gone, and the oldest when a viewer has too many; the reader goes on without.
"""

import struct
from collections.abc import Sequence

from redis.asyncio import Redis

from feed_service.model.ranking import FEATURES, Features, RankedPost, Ranking
from feed_service.store.outages import Patience

SESSIONS_KEPT = 3
KEPT_SECONDS = 30 * 60
_INDEX, _RANKING = "feed:top:{%016x}", "feed:top:{%016x}:%s"
_RECORD = struct.Struct(f">qqf{len(FEATURES)}f")

_SAVE = """
local index, ranking, session, most, ttl = KEYS[1], KEYS[2], ARGV[1], tonumber(ARGV[2]), ARGV[3]
redis.call('SET', ranking, ARGV[4], 'EX', ttl)
local now = redis.call('TIME')
redis.call('ZADD', index, now[1] + now[2] / 1000000, session)
redis.call('EXPIRE', index, ttl)
for _, old in ipairs(redis.call('ZRANGE', index, 0, -1 - most)) do
    redis.call('DEL', index .. ':' .. old)
    redis.call('ZREM', index, old)
end
"""
_FORGET = """
local found = redis.call('ZRANGE', KEYS[1], 0, -1)
for _, session in ipairs(found) do redis.call('DEL', KEYS[1] .. ':' .. session) end
redis.call('DEL', KEYS[1])
return #found
"""


class Sessions:
    """Raises Unavailable REDIS_UNAVAILABLE."""

    def __init__(self, redis: Redis, patience: Patience, *, kept: int = SESSIONS_KEPT) -> None:
        self._redis, self._patience, self._kept = redis, patience, kept
        self._save = redis.register_script(_SAVE)
        self._forget = redis.register_script(_FORGET)

    async def save(self, viewer_id: int, ranking: Ranking) -> None:
        name = ranking.session.hex()
        keys = [_INDEX % viewer_id, _RANKING % (viewer_id, name)]
        records = b"".join(_pack(post) for post in ranking.posts)
        args = [name, self._kept, KEPT_SECONDS, records]
        async with self._patience.waiting():
            await self._save(keys=keys, args=args)

    async def posts(self, viewer_id: int, session: bytes, start: int, count: int) -> Sequence[RankedPost] | None:
        """Fewer than `count`, which is at least 1, only at the end; None when the session is gone."""
        index, key = _INDEX % viewer_id, _RANKING % (viewer_id, session.hex())
        first = start * _RECORD.size
        async with self._patience.waiting(), self._redis.pipeline(transaction=False) as pipe:
            pipe.expire(key, KEPT_SECONDS)
            pipe.expire(index, KEPT_SECONDS)
            pipe.getrange(key, first, first + count * _RECORD.size - 1)
            is_there, _, records = await pipe.execute()
        return [_unpack(*record) for record in _RECORD.iter_unpack(records)] if is_there else None

    async def forget(self, viewer_id: int) -> int:
        async with self._patience.waiting():
            return await self._forget(keys=[_INDEX % viewer_id])


def _pack(post: RankedPost) -> bytes:
    measured = post.features
    return _RECORD.pack(post.post_id, post.author_id, post.score, *(getattr(measured, name) for name in FEATURES))


def _unpack(post_id: int, author_id: int, score: float, *measured: float) -> RankedPost:
    return RankedPost(post_id, author_id, score, Features(*measured))
