"""Rate limits, exact across replicas: one script in Redis takes from all buckets of a request or from none.

The algorithm is GCRA: a bucket is one number, the time at which it will be full again.
"""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from math import ceil
from typing import Any, Protocol, cast

from redis.asyncio import Redis

from kit import log
from kit.breaker import Breaker
from kit.errors import Unavailable, from_exception
from kit.hotredis import HotRedis, Script
from kit.quotas import MICROS, Bucket, Standing, Verdict

_LOCAL_BUCKETS = 50_000

logger = log.get(__name__)


# Times in microseconds by Redis' own clock. Answers {full again at} of each bucket and the wait, which is 0 when the
# request was let through; a refused request takes nothing.
_SCRIPT = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local answer, wait, blamed = {}, 0, 0
for i, key in ipairs(KEYS) do
  local interval, window = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local full = math.max(tonumber(redis.call('GET', key) or now), now)
  local over = full + interval - window - now
  if over > wait then wait, blamed = over, i end
  answer[i] = full
end
for i, key in ipairs(KEYS) do
  if wait == 0 then
    answer[i] = answer[i] + tonumber(ARGV[2 * i - 1])
    redis.call('SET', key, string.format('%.0f', answer[i]), 'PX', math.ceil((answer[i] - now) / 1000) + 1)
  end
  answer[i] = math.ceil(answer[i] - now)
end
return {math.ceil(wait), blamed, answer}
"""


_GIVE_BACK = """
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
for i, key in ipairs(KEYS) do
  local full = tonumber(redis.call('GET', key) or now) - tonumber(ARGV[2 * i - 1])
  if full > now then
    redis.call('SET', key, string.format('%.0f', full), 'PX', math.ceil((full - now) / 1000) + 1)
  else
    redis.call('DEL', key)
  end
end
"""


class _Script(Protocol):
    def __call__(self, keys: Any = (), args: Any = ()) -> Awaitable[Any]: ...


class Limiter:
    """Takes from buckets in Redis; while Redis is away, from buckets of this process alone, and says so."""

    def __init__(self, redis: Redis | HotRedis, on_fallback: Callable[[], None] = lambda: None) -> None:
        self._take, self._return = (cast("_Script", redis.register_script(text)) for text in (_SCRIPT, _GIVE_BACK))
        self._on_fallback = on_fallback
        self._local = LocalBuckets()
        self._breaker = Breaker(time.monotonic, limit=1)

    async def take(self, buckets: Sequence[Bucket]) -> Verdict:
        return await self.begin(buckets)()

    def begin(self, buckets: Sequence[Bucket]) -> Callable[[], Awaitable[Verdict]]:
        """By HotRedis the script is on its way at once, and what is answered waits for the verdict: work may be done in
        between. It must be called, and once."""
        return self.ready(buckets)()

    def ready(self, buckets: Sequence[Bucket]) -> Callable[[], Callable[[], Awaitable[Verdict]]]:
        """`begin` for who comes back with the same buckets: what Redis is asked is put into words once."""
        return partial(self._begin, buckets, _call(self._take, buckets))

    def _begin(
        self, buckets: Sequence[Bucket], take: Callable[[], Awaitable[object]]
    ) -> Callable[[], Awaitable[Verdict]]:
        asked = self._ask(take) if buckets else None

        async def verdict() -> Verdict:
            if not buckets:
                return Verdict()
            answer = await self._answer(asked)
            if answer is None:
                return self._local.take(buckets, _now())
            wait, blamed, full_in = cast("tuple[int, int, list[int]]", answer)
            return _verdict(buckets, wait, blamed - 1, full_in)

        return verdict

    async def give_back(self, buckets: Sequence[Bucket]) -> None:
        """What one request took that is not to count after all."""
        self._local.give_back(buckets, _now())
        if buckets:
            await self._answer(self._ask(_call(self._return, buckets)))

    def _ask(self, call: Callable[[], Awaitable[object]]) -> Awaitable[object] | None:
        """None while Redis is away."""
        return call() if self._breaker.admit() else None

    async def _answer(self, asked: Awaitable[object] | None) -> object:
        """None while Redis is away."""
        if asked is None:
            self._on_fallback()
            return None
        try:
            answer = await asked
        except Exception as error:
            if not isinstance(from_exception(error), Unavailable):
                self._breaker.dropped()
                raise
            self._breaker.failed()
            self._on_fallback()
            logger.warning("rate limits are local", reason="REDIS_UNAVAILABLE")
            return None
        except BaseException:
            self._breaker.dropped()
            raise
        self._breaker.succeeded()
        return answer


def _call(script: _Script, buckets: Sequence[Bucket]) -> Callable[[], Awaitable[object]]:
    keys, args = [bucket.key for bucket in buckets], [number for bucket in buckets for number in bucket.quota.spacing]
    return script.packed(keys, args) if isinstance(script, Script) else lambda: script(keys=keys, args=args)


def _now() -> int:
    return time.monotonic_ns() // 1000


class LocalBuckets:
    """The same algorithm in this process, for as many buckets as were asked for last."""

    def __init__(self, capacity: int = _LOCAL_BUCKETS) -> None:
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._capacity = capacity

    def take(self, buckets: Sequence[Bucket], now: int) -> Verdict:
        """`now` in microseconds of a monotonic clock."""
        full = [max(self._full_at.get(bucket.key, now), now) for bucket in buckets]
        spacings = [bucket.quota.spacing for bucket in buckets]
        over = [at + interval - window - now for at, (interval, window) in zip(full, spacings, strict=True)]
        wait = max(0.0, *over)
        if not wait:
            full = [at + interval for at, (interval, _) in zip(full, spacings, strict=True)]
            for bucket, at in zip(buckets, full, strict=True):
                self._full_at[bucket.key] = at
                self._full_at.move_to_end(bucket.key)
            while len(self._full_at) > self._capacity:
                self._full_at.popitem(last=False)
        return _verdict(buckets, wait, over.index(wait) if wait else -1, [at - now for at in full])

    def give_back(self, buckets: Sequence[Bucket], now: int) -> None:
        """As Limiter.give_back."""
        for bucket in buckets:
            if bucket.key in self._full_at:
                self._full_at[bucket.key] = max(self._full_at[bucket.key] - bucket.quota.spacing[0], now)


def _verdict(buckets: Sequence[Bucket], wait: float, blamed: int, full_in: Sequence[float]) -> Verdict:
    standings = tuple([_standing(bucket, micros) for bucket, micros in zip(buckets, full_in, strict=True)])
    return Verdict(standings, wait / MICROS, buckets[blamed].name if wait > 0 else "")


def _standing(bucket: Bucket, full_in: float) -> Standing:
    interval, window = bucket.quota.spacing
    # A microsecond of rounding must not cost a request.
    return _made((bucket, max(0, int((window - full_in + 2) / interval)), ceil(full_in / MICROS)))


_made: Callable[[tuple[Bucket, int, int]], Standing] = partial(tuple.__new__, Standing)  # cheaper than calling it
