"""Sessions that have ended while their access tokens still live: asked for twice a second."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from heliograph.user.v1.user_pb2 import ListRevocationsRequest, ListRevocationsResponse
from kit import deadline, log
from kit.errors import DomainError, Unavailable
from prometheus_client import Gauge

POLL_SECONDS = 0.5
_PAGE = 1000
_FETCH_SECONDS = 2.0
_TOKEN_LIFE_SECONDS = 15 * 60 + 60

AGE = Gauge("heliograph_gateway_revocations_age_seconds", "Since the list of revoked sessions was last up to date")

logger = log.get(__name__)

Fetch = Callable[[ListRevocationsRequest], Awaitable[ListRevocationsResponse]]


class Revocations:
    """What is known stays in force while the user service is away."""

    def __init__(self, fetch: Fetch, now: Callable[[], float] = time.time) -> None:
        self._fetch, self._now = fetch, now
        self._until: dict[int, float] = {}
        self._revision = 0
        self._current_at: float | None = None
        self._trouble = ""

    def holds(self, session_id: int) -> bool:
        return session_id in self._until

    def add(self, session_id: int) -> None:
        """A session that this process has just seen end: no need to wait for the next poll."""
        self._until[session_id] = self._now() + _TOKEN_LIFE_SECONDS

    async def check(self) -> None:
        """Raises Unavailable until the list was fetched once: before, a revoked token would pass."""
        if self._current_at is None:
            raise Unavailable("USER_UNAVAILABLE", "access tokens cannot be checked at the moment", retry_after=1)

    async def run(self) -> None:
        """Polls for ever: a background task."""
        AGE.set_function(lambda: self._now() - (self._current_at or 0))
        while True:
            await self._poll()
            await asyncio.sleep(POLL_SECONDS)

    async def refresh(self) -> None:
        """Fetches what is new. Raises DomainError."""
        while True:
            with deadline.within(_FETCH_SECONDS):
                answer = await self._fetch(ListRevocationsRequest(after_revision=self._revision, page_size=_PAGE))
            for revoked in answer.revocations:
                self._until[revoked.session_id] = max(revoked.expires_at.ToSeconds() + 60, self._now() + 60)
            moved, self._revision = answer.revision != self._revision, answer.revision
            if not (moved and answer.revocations):
                break
        self._current_at = now = self._now()
        self._until = {session: until for session, until in self._until.items() if until > now}

    async def _poll(self) -> None:
        try:
            await self.refresh()
            reason = ""
        except DomainError as error:
            reason = error.reason
        if reason != self._trouble:
            logger.warning("revocations can be fetched again" if not reason else "no new revocations", reason=reason)
        self._trouble = reason
