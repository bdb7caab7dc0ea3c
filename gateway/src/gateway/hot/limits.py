"""Rate limits without a wait: asked for before the work, looked at after it unless that is likely to be in vain."""

import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable

from kit.limits import Limiter
from kit.quotas import Verdict

from gateway.hot.callers import Caller

_LONGEST_SECONDS = 1.0
_PRESSING_SECONDS = 10.0
_MOST_KEPT = 10_000


class Tolls:
    """A refusal holds for all who take from the bucket that is empty: for a person, whatever their token, address or
    headers. `clock` is monotonic, in seconds."""

    def __init__(self, limiter: Limiter, clock: Callable[[], float] = time.monotonic) -> None:
        self._limiter, self._clock = limiter, clock
        self._refusals: OrderedDict[str, tuple[float, Verdict]] = OrderedDict()

    def refusal(self, caller: Caller) -> Verdict | None:
        """That of a moment ago, while it must still hold: nobody needs to be asked again, nor any work to be done."""
        for at, verdict in self._of(caller):
            since = self._clock() - at
            if since < min(verdict.retry_after, _LONGEST_SECONDS):
                return verdict._replace(retry_after=verdict.retry_after - since)
        return None

    def begin(self, caller: Caller) -> Callable[[], Awaitable[Verdict]]:
        """As Limiter.begin."""
        if caller.take is None:
            caller.take = self._limiter.ready(caller.buckets)
        return caller.take()

    def remember(self, caller: Caller, verdict: Verdict) -> None:
        for bucket in caller.buckets:
            if bucket.name == verdict.blamed:
                self._refusals[bucket.key] = self._clock(), verdict
                self._refusals.move_to_end(bucket.key)
        if len(self._refusals) > _MOST_KEPT:
            self._refusals.popitem(last=False)

    def is_pressing(self, caller: Caller) -> bool:
        """Whether they were refused lately: they may well be again."""
        return any(self._clock() - at < _PRESSING_SECONDS for at, _ in self._of(caller))

    def _of(self, caller: Caller) -> list[tuple[float, Verdict]]:
        known = self._refusals
        return [known[bucket.key] for bucket in caller.buckets if bucket.key in known] if known else []
