"""Rate limits, exact across replicas: one script in Redis takes from all buckets of a request or from none.

The algorithm is GCRA: a bucket is one number, the time at which it will be full again.
"""

import time
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from types import MappingProxyType
from typing import cast

from kit import log
from kit.breaker import Breaker
from kit.errors import Unavailable, from_exception
from prometheus_client import Counter
from redis.asyncio import Redis

MICROS = 1_000_000
_LOCAL_BUCKETS = 50_000

FALLBACKS = Counter("heliograph_gateway_limit_fallbacks_total", "Requests limited in this process alone: no Redis")
REFUSED = Counter("heliograph_gateway_limited_total", "Requests refused by a rate limit", ["bucket"])

logger = log.get(__name__)


class RouteClass(StrEnum):
    READ = "read"
    WRITE = "write"
    AUTH = "auth"
    UPLOAD = "upload"
    MEDIA = "media"


class Subject(StrEnum):
    USER = "user"
    APP = "app"
    ADDRESS = "address"


@dataclass(frozen=True)
class Quota:
    """`amount` requests in `seconds`, all at once or spread."""

    amount: int
    seconds: int


Quotas = Mapping[tuple[RouteClass, Subject], Quota]

DEFAULT_QUOTAS: Quotas = MappingProxyType(
    {
        (RouteClass.READ, Subject.USER): Quota(1800, 60),
        (RouteClass.READ, Subject.APP): Quota(60_000, 60),
        (RouteClass.READ, Subject.ADDRESS): Quota(6000, 60),
        (RouteClass.WRITE, Subject.USER): Quota(600, 60),
        (RouteClass.WRITE, Subject.APP): Quota(20_000, 60),
        (RouteClass.WRITE, Subject.ADDRESS): Quota(3000, 60),
        (RouteClass.AUTH, Subject.ADDRESS): Quota(300, 60),
        (RouteClass.UPLOAD, Subject.USER): Quota(120, 60),
        (RouteClass.UPLOAD, Subject.APP): Quota(6000, 60),
        (RouteClass.UPLOAD, Subject.ADDRESS): Quota(600, 60),
        (RouteClass.MEDIA, Subject.ADDRESS): Quota(12_000, 60),
    }
)


def parse_quotas(text: str) -> Quotas:
    """The defaults, changed by `text`: "read.user=600/60,auth.address=20/60", amount and seconds. Raises ValueError."""
    changed = dict(DEFAULT_QUOTAS)
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, quota = part.partition("=")
        route_class, _, subject = name.partition(".")
        amount, _, seconds = quota.partition("/")
        read = Quota(int(amount), int(seconds))
        if read.amount < 1 or read.seconds < 1:
            raise ValueError(f"a quota of {part} lets nothing through")
        changed[RouteClass(route_class), Subject(subject)] = read
    return MappingProxyType(changed)


@dataclass(frozen=True)
class Bucket:
    """`name` is what clients see of it, `key` tells its owner."""

    name: str
    key: str
    quota: Quota


@dataclass(frozen=True)
class Standing:
    """A bucket after the request: how many are left, and in how many seconds it is full again."""

    bucket: Bucket
    remaining: int
    full_in: int


@dataclass(frozen=True)
class Verdict:
    """`retry_after` in seconds; 0 when the request may pass. `blamed` names the bucket that said no."""

    standings: tuple[Standing, ...] = ()
    retry_after: float = 0
    blamed: str = ""

    @property
    def allowed(self) -> bool:
        return self.retry_after <= 0

    def headers(self) -> list[tuple[bytes, bytes]]:
        """As draft-ietf-httpapi-ratelimit-headers-10 writes them."""
        if not self.standings:
            return []
        policy = ", ".join(
            f'"{s.bucket.name}";q={s.bucket.quota.amount};w={s.bucket.quota.seconds}' for s in self.standings
        )
        current = ", ".join(f'"{s.bucket.name}";r={s.remaining};t={s.full_in}' for s in self.standings)
        return [(b"ratelimit-policy", policy.encode()), (b"ratelimit", current.encode())]


def buckets_for(quotas: Quotas, route_class: RouteClass, owners: Mapping[Subject, str]) -> list[Bucket]:
    """Those that a request of this class takes from; `owners` says who is asking."""
    return [
        Bucket(f"{route_class}-{subject}", f"gateway:limit:{route_class}:{subject}:{owner}", quota)
        for subject, owner in owners.items()
        if (quota := quotas.get((route_class, subject)))
    ]


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


class Limiter:
    """Takes from buckets in Redis; while Redis is away, from buckets of this process alone."""

    def __init__(self, redis: Redis) -> None:
        self._script = redis.register_script(_SCRIPT)
        self._local = LocalBuckets()
        self._breaker = Breaker(time.monotonic, limit=1)

    async def take(self, buckets: Sequence[Bucket]) -> Verdict:
        if not buckets:
            return Verdict()
        verdict = await self._shared(buckets) or self._local.take(buckets, time.monotonic_ns() // 1000)
        if not verdict.allowed:
            REFUSED.labels(verdict.blamed).inc()
        return verdict

    async def _shared(self, buckets: Sequence[Bucket]) -> Verdict | None:
        if not self._breaker.admit():
            FALLBACKS.inc()
            return None
        args = [number for bucket in buckets for number in _spacing(bucket)]
        try:
            answer = await self._script(keys=[bucket.key for bucket in buckets], args=args)
        except Exception as error:
            if not isinstance(from_exception(error), Unavailable):
                self._breaker.dropped()
                raise
            self._breaker.failed()
            FALLBACKS.inc()
            logger.warning("rate limits are local", reason="REDIS_UNAVAILABLE")
            return None
        except BaseException:
            self._breaker.dropped()
            raise
        self._breaker.succeeded()
        wait, blamed, full_in = cast("tuple[int, int, list[int]]", answer)
        return _verdict(buckets, wait, blamed - 1, full_in)


class LocalBuckets:
    """The same algorithm in this process, for as many buckets as were asked for last."""

    def __init__(self, capacity: int = _LOCAL_BUCKETS) -> None:
        self._full_at: OrderedDict[str, float] = OrderedDict()
        self._capacity = capacity

    def take(self, buckets: Sequence[Bucket], now: int) -> Verdict:
        """`now` in microseconds of a monotonic clock."""
        full = [max(self._full_at.get(bucket.key, now), now) for bucket in buckets]
        spacings = [_spacing(bucket) for bucket in buckets]
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


def _spacing(bucket: Bucket) -> tuple[float, int]:
    """Microseconds that one request costs, and those of the whole window."""
    window = bucket.quota.seconds * MICROS
    return window / bucket.quota.amount, window


def _verdict(buckets: Sequence[Bucket], wait: float, blamed: int, full_in: Sequence[float]) -> Verdict:
    standings = tuple(_standing(bucket, micros) for bucket, micros in zip(buckets, full_in, strict=True))
    return Verdict(standings, wait / MICROS, buckets[blamed].name if wait > 0 else "")


def _standing(bucket: Bucket, full_in: float) -> Standing:
    interval, window = _spacing(bucket)
    # A microsecond of rounding must not cost a request.
    return Standing(bucket, max(0, int((window - full_in + 2) / interval)), ceil(full_in / MICROS))
