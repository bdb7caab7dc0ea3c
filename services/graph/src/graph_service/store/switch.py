"""Whether cached relations may be believed: one row in Postgres that every process looks at again each second.

A writer that cannot reach Redis cannot take out what it has made untrue, while others may still read it there. It turns
the cache off for all and waits until every process has noticed. When Redis answers again the cache is turned on as a
new epoch, under other keys: nothing from before comes back.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from kit import log
from kit.postgres import Postgres

_STATE = "select epoch, believed from relation_cache_switch where id = 1"
_OFF = "update relation_cache_switch set believed = false where id = 1 and epoch = $1 and believed"
_ON = "update relation_cache_switch set believed = true, epoch = epoch + 1 where id = 1 and epoch = $1 and not believed"

logger = log.get(__name__)


@dataclass(frozen=True)
class State:
    epoch: int
    believed: bool


class Switch:
    """`lease` is how long, in seconds, a process goes by what it saw last; `probe` answers whether Redis works."""

    def __init__(self, postgres: Postgres, probe: Callable[[], Awaitable[bool]], *, lease: float = 1.0) -> None:
        self._postgres = postgres
        self._probe = probe
        self._lease = lease
        self._looking = asyncio.Lock()
        self._seen: State | None = None
        self._seen_until = float("-inf")
        self._off_epoch = 0
        self._unbelieved_from = float("-inf")

    async def epoch(self) -> int | None:
        """Which epoch may be read and filled right now; None when none may."""
        if time.monotonic() >= self._seen_until:
            async with self._looking:
                if time.monotonic() >= self._seen_until:
                    await self._look()
        state = self._seen
        return state.epoch if state and state.believed else None

    async def state(self) -> State:
        """As it is now. A writer that asks after its commit must take out what is cached of that epoch, or nothing when
        none is believed: what is filled in a later one has been read after the commit."""
        row = await self._postgres.primary.fetchrow(_STATE)
        assert row is not None  # noqa: S101 the migration puts the row there
        state = State(row["epoch"], row["believed"])
        if not state.believed and self._off_epoch != state.epoch:
            self._off_epoch, self._unbelieved_from = state.epoch, time.monotonic() + self._lease * 1.2
        return state

    async def turn_off(self, epoch: int) -> State:
        """Does nothing when that epoch is over."""
        await self._postgres.primary.execute(_OFF, epoch)
        state = await self.state()
        logger.warning("relations are not cached", epoch=state.epoch)
        return state

    async def noticed(self, state: State) -> None:
        """Waits, while it is off, until no process goes by an older state any more."""
        if not state.believed:
            await asyncio.sleep(self._unbelieved_from - time.monotonic())

    async def _look(self) -> None:
        asked_at = time.monotonic()
        state = await self.state()
        if not state.believed and asked_at >= self._unbelieved_from and await self._probe():
            await self._postgres.primary.execute(_ON, state.epoch)
            asked_at = time.monotonic()
            state = await self.state()
        self._seen, self._seen_until = state, asked_at + self._lease
