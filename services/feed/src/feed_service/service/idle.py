"""Accounts that do not read cost no rows; who returns finds the feed complete at the first read.

Becoming idle and returning may happen at once, in processes that know nothing of each other, and each may be slow or
die anywhere. These are the steps:

    idle:    1. say, with a time T ahead, that nothing of the timeline is complete (void)
             2. join the set, if it is not T yet by Redis' clock
             3. drop the warm timeline
    return:  1. leave the set; that was at L by Redis' clock
             2. read the posts themselves, write rows
             3. say, with the time L, from where on the timeline is complete
    push:    1. ask who is in the set
             2. write rows for the rest
             3. add to warm timelines, to everybody's

What must never be: a timeline that counts as complete and lacks a post that was skipped. Say that a push skipped an
account, which was in the set then, since the step 2 of an idle with the time T; and that a return's step 3 counts. It
was written with its time L, so L > T, or it would have lost to the void. T was after that idle's step 2, so the return
left after it, and whoever is found in the set later joined by a later idle, with a later T, to which the same applies.
The skip was before the return left; the post was committed before its push; so the return, which reads the posts after
it left, has it. A return that loses (its L was before T) has served its own page from the posts, and the next read
returns again.

A read in between asks for rows first and from where they are complete second (Candidates): if they still count, nobody
had been skipped when the rows were read. A warm timeline is complete whoever is idle. If the set is lost nobody is
skipped, and the sweep finds the void timelines and adds them again, by the same steps. Without Redis nobody is skipped,
and a return cannot leave: it serves its page and says nothing.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from kit.outage import outlast
from prometheus_client import Counter

from feed_service.model import pack, unpack
from feed_service.model.sweeping import State
from feed_service.service.fanout_ports import Idle, States, Turns
from feed_service.service.ports import Warm

_AHEAD_US = 60_000_000  # for the steps from the void to the set; who returns within it is not believed
_STEP = 500
_RING_BEGINS = -(1 << 63)
_PAUSE_SECONDS = 1.0
_ROUND = timedelta(hours=1)

IDLE = Counter("heliograph_feed_idle_accounts_total", "Accounts that became idle")


class Sweep:
    """Goes round all timelines that were ever built, one bounded step at a time, notes when they were last read, and
    makes those idle that nobody has read for `days`. Goes on where whoever swept before stopped."""

    def __init__(
        self, states: States, idle: Idle, warm: Warm, turns: Turns, *, days: int, now: Callable[[], datetime]
    ) -> None:
        self._states, self._idle, self._warm, self._turns = states, idle, warm, turns
        self._days, self._now = timedelta(days=days), now
        self._rests_until = now()

    async def run(self) -> None:
        while True:
            await outlast(self.step, what="sweep of idle accounts")
            await asyncio.sleep(_PAUSE_SECONDS)

    async def step(self) -> None:
        """Does nothing when it is not this process' turn, and for an hour after each round."""
        if self._now() < self._rests_until or not await self._turns.take():
            return
        after = await self._turns.place()
        states = await self._states.page(_RING_BEGINS if after is None else after, _STEP)
        if states:
            await self._look_at(states)
        ends = len(states) < _STEP
        await self._turns.keep(_RING_BEGINS if ends else states[-1].place)
        if ends:
            self._rests_until = self._now() + _ROUND

    async def _look_at(self, states: Sequence[State]) -> None:
        reads = await self._idle.last_reads([state.user_id for state in states])
        noted = [state.user_id for state in states if state.user_id in reads and state.notes(reads[state.user_id])]
        await self._states.note_reads(noted, [reads[one] for one in noted])
        cutoff = self._now() - self._days
        quiet = [state for state in states if state.idle_since(cutoff) and reads.get(state.user_id, cutoff) <= cutoff]
        await self._make_idle([state.user_id for state in quiet])

    async def _make_idle(self, user_ids: Sequence[int]) -> None:
        """Those who are idle already are left as they are."""
        awake = unpack(await self._idle.awake(pack(user_ids))) if user_ids else ()
        if not awake:
            return
        before_us = await self._idle.time_us() + _AHEAD_US
        await self._states.void(awake, before_us)
        if await self._idle.add(awake, before_us):
            IDLE.inc(len(awake))
        for user_id in awake:
            await self._warm.drop(user_id)
