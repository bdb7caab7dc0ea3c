"""Limits of what can be guessed, and of what sends mail: exact over all processes while Redis is there, else each
process counts alone."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from kit.errors import DomainError, Unauthenticated
from kit.limits import Limiter
from kit.quotas import Bucket
from prometheus_client import Counter

from user_service.model import errors
from user_service.model.limits import Action, Quotas, buckets_for
from user_service.model.security import Device

REFUSED = Counter("heliograph_user_attempts_refused_total", "Attempts refused by a limit", ["bucket"])


class Limits:
    def __init__(self, limiter: Limiter, quotas: Quotas) -> None:
        self._limiter, self._quotas = limiter, quotas

    async def count(self, action: Action, about: str, device: Device, *, known: bool = False) -> None:
        """One more. `about` is the account as the caller names it, whether or not there is one: a folded username, an
        e-mail address, an id; empty for none. `known` says that the account knows the device. Raises ResourceExhausted
        TOO_MANY_ATTEMPTS."""
        await self._take(buckets_for(self._quotas, action, about, device, known=known))

    @asynccontextmanager
    async def guess(self, action: Action, about: str, device: Device, *, known: bool = False) -> AsyncGenerator[None]:
        """As count, but the block counts only if it raises Unauthenticated: the guess was wrong. It is taken before and
        given back after, so that no number of guesses at once gets past the limit."""
        buckets = buckets_for(self._quotas, action, about, device, known=known)
        await self._take(buckets)
        try:
            yield
        except Unauthenticated:
            raise
        except DomainError:
            await self._limiter.give_back(buckets)
            raise
        await self._limiter.give_back(buckets)

    async def _take(self, buckets: list[Bucket]) -> None:
        verdict = await self._limiter.take(buckets)
        if not verdict.allowed:
            REFUSED.labels(verdict.blamed).inc()
            raise errors.too_many_attempts(verdict.retry_after)
