"""Posts that viewers had on the screen, in Redis: sorted sets `feed:seen:{<id>}` of post ids (16 hex digits) by when
they were first seen, in seconds since the epoch. The newest 2,000 of 14 days; if they are lost, posts count as new."""

from collections.abc import Callable, Sequence
from datetime import datetime

from redis.asyncio import Redis

from feed_service.store.outages import Patience

KEY = "feed:seen:{%016x}"
KEPT = 2_000
_KEPT_SECONDS = 14 * 24 * 3600


class SeenPosts:
    """Raises Unavailable REDIS_UNAVAILABLE."""

    def __init__(self, redis: Redis, patience: Patience, *, now: Callable[[], datetime], kept: int = KEPT) -> None:
        self._redis, self._patience, self._now, self._kept = redis, patience, now, kept

    async def mark(self, viewer_id: int, post_ids: Sequence[int]) -> int:
        """How many of them are new. `post_ids` must not be empty."""
        key, now = KEY % viewer_id, self._now().timestamp()
        async with self._patience.waiting(), self._redis.pipeline(transaction=False) as pipe:
            pipe.zadd(key, {f"{one:016x}": now for one in post_ids}, nx=True)
            pipe.zremrangebyscore(key, "-inf", now - _KEPT_SECONDS)
            pipe.zremrangebyrank(key, 0, -1 - self._kept)
            pipe.expire(key, _KEPT_SECONDS)
            added, *_ = await pipe.execute()
        return added

    async def among(self, viewer_id: int, post_ids: Sequence[int], by: datetime) -> frozenset[int]:
        """Those that were seen by then."""
        if not post_ids:
            return frozenset()
        async with self._patience.waiting():
            times = await self._redis.zmscore(KEY % viewer_id, [f"{one:016x}" for one in post_ids])
        oldest, latest = self._now().timestamp() - _KEPT_SECONDS, by.timestamp()
        return frozenset(
            one for one, at in zip(post_ids, times, strict=True) if at is not None and oldest < at <= latest
        )

    async def forget(self, viewer_id: int) -> int:
        async with self._patience.waiting():
            return await self._redis.delete(KEY % viewer_id)
