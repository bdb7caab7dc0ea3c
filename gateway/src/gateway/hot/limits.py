"""Rate limits without a wait: asked for before the work, looked at after it unless that is likely to be in vain."""

import time
from collections.abc import Awaitable, Callable

from kit.limits import Limiter
from kit.quotas import Verdict

from gateway.hot.callers import Caller

_LONGEST_SECONDS = 1.0
_PRESSING_SECONDS = 10.0


class Tolls:
    """`clock` is monotonic, in seconds."""

    def __init__(self, limiter: Limiter, clock: Callable[[], float] = time.monotonic) -> None:
        self._limiter, self._clock = limiter, clock

    def refusal(self, caller: Caller) -> Verdict | None:
        """That of a moment ago, while it must still hold: nobody needs to be asked again, nor any work to be done."""
        if caller.refused is None:
            return None
        at, verdict = caller.refused
        since = self._clock() - at
        if since >= min(verdict.retry_after, _LONGEST_SECONDS):
            return None
        return verdict._replace(retry_after=verdict.retry_after - since)

    def begin(self, caller: Caller) -> Callable[[], Awaitable[Verdict]]:
        """As Limiter.begin."""
        if caller.take is None:
            caller.take = self._limiter.ready(caller.buckets)
        return caller.take()

    def remember(self, caller: Caller, verdict: Verdict) -> None:
        caller.refused = (self._clock(), verdict)

    def is_pressing(self, caller: Caller) -> bool:
        """Whether they were refused lately: they may well be again."""
        return caller.refused is not None and self._clock() - caller.refused[0] < _PRESSING_SECONDS
