"""Mutes that have ended are not read any more; this takes their rows away."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

from kit.outage import outlast
from kit.postgres import Postgres

_PAUSE_SECONDS = 300.0
_BATCH = 1000
_CLOCKS_APART = timedelta(hours=1)
# A mute that is set anew meanwhile is looked at again when its row is free, and stays.
_SWEEP = """
delete from mutes_by_muter where (muter_id, muted_id) in (
    select muter_id, muted_id from mutes_by_muter where until < $1 order by until limit $2
) and until < $1
"""


class EndedMutes:
    def __init__(self, postgres: Postgres, now: Callable[[], datetime]) -> None:
        self._postgres = postgres
        self._now = now

    async def run(self) -> None:
        """For ever; in every process."""
        while True:
            await outlast(self.sweep, what="sweep of ended mutes")
            await asyncio.sleep(_PAUSE_SECONDS)

    async def sweep(self) -> int:
        """How many were taken away."""
        swept = 0
        while True:
            status = await self._postgres.primary.execute(_SWEEP, self._now() - _CLOCKS_APART, _BATCH)
            count = int(status.rpartition(" ")[2])
            swept += count
            if count < _BATCH:
                return swept
