"""Which requests are limited together, and how often they may come."""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from kit.errors import ResourceExhausted
from kit.quotas import Bucket, Quota, Verdict
from prometheus_client import Counter

FALLBACKS = Counter("heliograph_gateway_limit_fallbacks_total", "Requests limited in this process alone: no Redis")
REFUSED = Counter("heliograph_gateway_limited_total", "Requests refused by a rate limit", ["bucket"])


class RouteClass(StrEnum):
    READ = "read"
    WRITE = "write"
    AUTH = "auth"
    UPLOAD = "upload"
    AVATAR = "avatar"
    MEDIA = "media"
    RANKED = "ranked"  # beside `read`: what has hundreds of posts looked at


class Subject(StrEnum):
    USER = "user"
    APP = "app"
    ADDRESS = "address"
    PAIR = "pair"  # who does something to another account, and that account


Quotas = Mapping[tuple[RouteClass, Subject], Quota]

DEFAULT_QUOTAS: Quotas = MappingProxyType(
    {
        (RouteClass.READ, Subject.USER): Quota(1800, 60),
        (RouteClass.READ, Subject.APP): Quota(60_000, 60),
        (RouteClass.READ, Subject.ADDRESS): Quota(6000, 60),
        (RouteClass.RANKED, Subject.USER): Quota(300, 60),
        (RouteClass.WRITE, Subject.USER): Quota(600, 60),
        (RouteClass.WRITE, Subject.APP): Quota(20_000, 60),
        (RouteClass.WRITE, Subject.ADDRESS): Quota(3000, 60),
        (RouteClass.WRITE, Subject.PAIR): Quota(30, 1800),
        (RouteClass.AUTH, Subject.USER): Quota(60, 60),
        (RouteClass.AUTH, Subject.ADDRESS): Quota(300, 60),
        (RouteClass.UPLOAD, Subject.USER): Quota(120, 60),
        (RouteClass.UPLOAD, Subject.APP): Quota(6000, 60),
        (RouteClass.UPLOAD, Subject.ADDRESS): Quota(600, 60),
        (RouteClass.AVATAR, Subject.USER): Quota(20, 3600),
        (RouteClass.AVATAR, Subject.ADDRESS): Quota(200, 3600),
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


def buckets_for(quotas: Quotas, route_class: RouteClass, owners: Mapping[Subject, str]) -> list[Bucket]:
    """Those that a request of this class takes from; `owners` says who is asking."""
    return [
        Bucket(f"{route_class}-{subject}", f"gateway:limit:{route_class}:{subject}:{owner}", quota)
        for subject, owner in owners.items()
        if (quota := quotas.get((route_class, subject)))
    ]


def headers_of(verdict: Verdict) -> list[tuple[bytes, bytes]]:
    """As draft-ietf-httpapi-ratelimit-headers-10 writes them."""
    if not verdict.standings:
        return []
    return [policy_of([standing.bucket for standing in verdict.standings]), current_of(verdict)]


def policy_of(buckets: Iterable[Bucket]) -> tuple[bytes, bytes]:
    told = (f'"{bucket.name}";q={bucket.quota.amount};w={bucket.quota.seconds}' for bucket in buckets)
    return b"ratelimit-policy", ", ".join(told).encode()


def current_of(verdict: Verdict) -> tuple[bytes, bytes]:
    told = [f'"{bucket.name}";r={remaining};t={full_in}' for bucket, remaining, full_in in verdict.standings]
    return b"ratelimit", ", ".join(told).encode()


def refused(verdict: Verdict) -> ResourceExhausted:
    """What a request meets that may not pass; counted."""
    REFUSED.labels(verdict.blamed).inc()
    return ResourceExhausted("RATE_LIMITED", "too many requests", retry_after=verdict.retry_after)
