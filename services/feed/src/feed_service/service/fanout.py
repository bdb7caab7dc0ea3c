"""A post reaches the home timelines of its author's followers."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from kit import telemetry
from kit.errors import Unavailable
from prometheus_client import Counter, Histogram

from feed_service.model import ID_BYTES, Chunk, Entry, Lane, Plan, chunks, micros, pack
from feed_service.service.fanout_ports import Idle, Pressure
from feed_service.service.ports import Authors, Erased, Graph, Rows, Tasks, Warm
from feed_service.service.threshold import Threshold

POSTS = Counter("heliograph_fanout_posts_total", "Posts fanned out", ["way"])
ROWS = Counter("heliograph_fanout_rows_total", "Home rows written", ["lane"])
SAVED = Counter("heliograph_fanout_rows_saved_total", "Home rows not written, as nobody would read them", ["lane"])
DELAY = Histogram(
    "heliograph_fanout_delay_seconds",
    "From the post's event to the rows of a chunk written",
    ["lane"],
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)


class FanOut:
    """Decides for each post whether it is pushed, and plans the push."""

    def __init__(
        self, authors: Authors, threshold: Threshold, graph: Graph, tasks: Tasks, pressure: Pressure, *, page: int
    ) -> None:
        self._authors, self._threshold, self._graph, self._tasks = authors, threshold, graph, tasks
        self._pressure, self._page = pressure, page

    async def publish(self, entry: Entry, at_us: int) -> None:
        """The post enters the author's timeline before the followers are read: whoever follows too late to be read here
        is committed by then, and the backfill of that follow finds the post. The author gets it either way. Waits while
        the small lane is full: then posts wait in their own topic, of which one is smaller than its chunks."""
        await self._authors.add(entry, at_us)
        if await self._threshold.needs_rows(entry.author_id):
            POSTS.labels("push").inc()
            await self._pressure.room()
            await self.go_on(Plan(entry, 0, at_us))
        else:
            POSTS.labels("pull").inc()
            await self._tasks.emit(Lane.SMALL, chunks(entry, at_us, pack([entry.author_id])))

    async def retract(self, entry: Entry, at_us: int) -> None:
        """Home rows stay until they expire: every read leaves out what is gone, and a row too many costs a read less
        than a tombstone for each follower costs the rest."""
        await self._authors.remove(entry, at_us)

    async def go_on(self, plan: Plan) -> None:
        """One bounded step: a page of followers is cut into chunks, and the plan goes back to its lane with its cursor
        moved. Only the first page goes the small lane; the author gets the post with it. In the large lane the plan
        waits behind the page's first chunk, so that a push is a page or two ahead of what is written, however slow that
        is."""
        lane = Lane.LARGE if plan.after else Lane.SMALL
        packed, after = await self._graph.follower_page(plan.entry.author_id, plan.after, self._page)
        if lane is Lane.SMALL:
            packed = pack([plan.entry.author_id]) + packed
        await self._tasks.emit(lane, chunks(plan.entry, plan.at_us, packed))
        if after:
            behind = int.from_bytes(packed[:ID_BYTES], "big")
            await self._tasks.emit(Lane.LARGE, [Plan(plan.entry, after, plan.at_us, behind)])


class Push:
    """Writes chunks of one lane."""

    def __init__(
        self,
        lane: Lane,
        rows: Rows,
        warm: Warm,
        idle: Idle,
        erased: Erased,
        tasks: Tasks,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._lane, self._rows, self._warm, self._idle = lane, rows, warm, idle
        self._erased, self._tasks, self._now = erased, tasks, now

    async def write(self, chunk: Chunk) -> None:
        """Rows first: a timeline that begins to be built after the push must find them. An outage of Redis holds no
        rows up: the late lane waits for it. Idle followers get none (service/idle.py). Nothing at all of an author who
        is gone for good."""
        gone, awake = await asyncio.gather(
            self._erased.is_marked(chunk.entry.author_id), self._idle.awake(chunk.followers)
        )
        if gone:
            return
        await self._rows.write(replace(chunk, followers=awake))
        try:
            await self._warm.push(chunk.entry, chunk.followers)
        except Unavailable:
            await self._tasks.emit(Lane.LATE, [chunk])
        ROWS.labels(self._lane.name.lower()).inc(len(awake) // ID_BYTES)
        SAVED.labels(self._lane.name.lower()).inc((len(chunk.followers) - len(awake)) // ID_BYTES)
        seconds = (micros(self._now()) - chunk.at_us) / 1e6
        DELAY.labels(self._lane.name.lower()).observe(max(seconds, 0), telemetry.exemplar())

    async def warm_up(self, chunk: Chunk) -> None:
        """Raises Unavailable while Redis is down."""
        if not await self._erased.is_marked(chunk.entry.author_id):
            await self._warm.push(chunk.entry, chunk.followers)
