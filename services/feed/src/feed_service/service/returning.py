"""The way back of authors who are merged at read to being pushed. service/threshold.py says why no feed changes."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from kit.outage import outlast
from kit.tasks import together

from feed_service.model import TOP, Entry, Lane, micros, oldest_kept, unpack
from feed_service.model.crossing import Backfill, Mark
from feed_service.service.fanout_ports import Idle, Marks, Turns
from feed_service.service.ports import Authors, Erased, Graph, Home, Tasks, Warm
from feed_service.service.threshold import CROSSED, Threshold

_HOUR_US = 3_600_000_000
_STAYS_US = _HOUR_US  # an author is merged for so long at least
_STALLED_US = _HOUR_US  # after which a way back is begun once more, as its task may be lost
_STEP = 500  # posts
_STEP_ROWS = 20_000
_AT_ONCE = 8  # followers


class Review:
    """Looks at the marked authors in turn, one each time, and sends those back who have come below the threshold: one
    at a time, as a way back may cost millions of rows."""

    def __init__(
        self,
        marks: Marks,
        threshold: Threshold,
        tasks: Tasks,
        turns: Turns,
        *,
        pause: timedelta,
        now: Callable[[], datetime],
    ) -> None:
        self._marks, self._threshold, self._tasks, self._turns = marks, threshold, tasks, turns
        self._pause, self._now = pause, now
        self._looked_at = 0
        self._begun_us: dict[tuple[int, int], int] = {}

    async def run(self) -> None:
        while True:
            await outlast(self.step, what="review of merged authors")
            await asyncio.sleep(self._pause.total_seconds())

    async def step(self) -> None:
        if not await self._turns.take():
            return
        marks, now_us = await self._marks.all(), micros(self._now())
        under_way = {one: mark.returning_us for one, mark in marks.items() if mark.returning_us is not None}
        for author_id, returning_us in under_way.items():
            await self._begin_again(author_id, returning_us, now_us)
        settled = sorted(one for one, mark in marks.items() if now_us - mark.since_us > _STAYS_US)
        if settled and not under_way:
            self._looked_at = next((one for one in settled if one > self._looked_at), settled[0])
            await self._look_at(self._looked_at, marks, now_us)

    async def _look_at(self, author_id: int, marks: Mapping[int, Mark], now_us: int) -> None:
        """The mark first: a step that finds no way back ends."""
        if not await self._threshold.is_below(author_id):
            return
        if await self._marks.begin_return(author_id, marks[author_id], now_us):
            await self._tasks.emit(Lane.LARGE, [Backfill(author_id, now_us, 0)])

    async def _begin_again(self, author_id: int, returning_us: int, now_us: int) -> None:
        begun_us = self._begun_us.setdefault((author_id, returning_us), returning_us)
        if now_us - begun_us > _STALLED_US:
            self._begun_us = {(author_id, returning_us): now_us}
            await self._tasks.emit(Lane.LARGE, [Backfill(author_id, returning_us, 0)])


class Return:
    """One step of a way back: the author's posts of the last 90 days for some of the followers. Repeated steps write
    the same rows."""

    def __init__(
        self,
        marks: Marks,
        authors: Authors,
        home: Home,
        warm: Warm,
        idle: Idle,
        erased: Erased,
        graph: Graph,
        tasks: Tasks,
        *,
        page: int,
        now: Callable[[], datetime],
    ) -> None:
        self._marks, self._authors, self._home, self._warm = marks, authors, home, warm
        self._idle, self._erased, self._graph, self._tasks = idle, erased, graph, tasks
        self._page, self._now = page, now

    async def step(self, task: Backfill) -> None:
        """Raises Unavailable while any of them is away: the way back waits, and readers go on merging."""
        mark = await self._marks.of(task.author_id)
        if mark is None or mark.returning_us != task.returning_us:
            return
        if await self._erased.is_marked(task.author_id):
            await self._marks.unmark(task.author_id, task.returning_us)
            return
        entries = await self._entries(task.author_id)
        size = max(1, min(self._page, _STEP_ROWS // max(1, len(entries))))
        packed, after = await self._graph.follower_page(task.author_id, task.after, size)
        if entries:
            await self._write(entries, unpack(await self._idle.awake(packed)), task.returning_us)
        if after:
            await self._tasks.emit(Lane.LARGE, [Backfill(task.author_id, task.returning_us, after)])
        elif await self._marks.unmark(task.author_id, task.returning_us):
            CROSSED.labels("down").inc()

    async def _entries(self, author_id: int) -> Sequence[Entry]:
        floor, found = oldest_kept(self._now()), list[Entry]()
        while True:
            step = await self._authors.slice(author_id, found[-1].post_id if found else TOP, _STEP)
            found += [entry for entry in step if entry.post_id >= floor]
            if len(step) < _STEP or step[-1].post_id < floor:
                return found

    async def _write(self, entries: Sequence[Entry], followers: Sequence[int], at_us: int) -> None:
        slots = asyncio.Semaphore(_AT_ONCE)

        async def write(follower_id: int) -> None:
            async with slots:
                await self._home.add(follower_id, entries, at_us)
                await self._warm.drop(follower_id)

        await together(*(write(follower_id) for follower_id in followers))
