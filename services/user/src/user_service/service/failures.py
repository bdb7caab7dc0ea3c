"""Failed attempts on accounts, for their owners to see: noted at once, written a moment later.

Not in the call that failed: a row written for an account that there is, and none for one that there is not, would be
told by the time it takes. And not a row each: an attack that lasts for days makes one an hour.
"""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from kit import log
from kit.outage import outlast

from user_service.model.security import Device, Kind, Repeated
from user_service.store.security_history import SecurityHistory

_PAUSE_SECONDS = 1.0
_WINDOW = timedelta(hours=1)
_MOST = 10_000

logger = log.get(__name__)


class Failures:
    """What was noted since the last write is lost with the process; past 10,000 accounts at a time nothing is noted."""

    def __init__(self, history: SecurityHistory, clock: Callable[[], datetime]) -> None:
        self._history, self._clock = history, clock
        self._noted: dict[tuple[int, Kind, bool], Repeated] = {}

    def note(self, user_id: int, kind: Kind, device: Device, *, by_address: bool = False) -> None:
        """0 is nobody's id: nothing is noted. Nor is, `by_address`, for an account whose address is not confirmed: it
        would tell whoever named it where its true owner is."""
        key = (user_id, kind, by_address)
        before = self._noted.get(key)
        if user_id and (before or len(self._noted) < _MOST):
            attempts = before.attempts + 1 if before else 1
            self._noted[key] = Repeated(user_id, kind, device, attempts, by_address)

    async def write(self) -> None:
        noted, self._noted = self._noted, {}
        since = self._clock() - _WINDOW
        for one in noted.values():
            await self._history.repeat(one, since)

    async def run(self) -> None:
        """A task."""
        while True:
            await asyncio.sleep(_PAUSE_SECONDS)
            await outlast(self.write, what="failed attempts")
