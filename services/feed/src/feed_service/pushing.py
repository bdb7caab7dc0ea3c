"""What the fan-out process does, put together."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kit.cassandra import Cassandra
from kit.server import Task
from redis.asyncio import Redis

from feed_service.clients import GraphClient
from feed_service.events import LaneTasks
from feed_service.fanout import Heard, Lanes
from feed_service.model import Lane
from feed_service.model.crossing import Costs
from feed_service.service import Backlog, Erasure, FanOut, Follows, Push, Return, Review, Sweep, Threshold
from feed_service.settings import FanoutSettings
from feed_service.store import (
    AuthorMarks,
    AuthorRows,
    ChunkRows,
    ErasedRows,
    HomeRows,
    HomeStates,
    IdleAccounts,
    Patience,
    Turns,
    WarmTimelines,
)


@dataclass(frozen=True)
class Written:
    """The stores that the fan-out writes."""

    home: HomeRows
    states: HomeStates
    authors: AuthorRows
    marks: AuthorMarks
    erased: ErasedRows
    warm: WarmTimelines
    idle: IdleAccounts


def pushing(
    settings: FanoutSettings,
    cassandra: Cassandra,
    redis: Redis,
    stores: Written,
    graph: GraphClient,
    tasks: LaneTasks,
    erasure: Erasure,
    *,
    now: Callable[[], datetime],
) -> Sequence[Task]:
    lanes = Lanes(settings)
    costs = Costs(
        most=settings.fanout_threshold,
        least=settings.fanout_least,
        row_us=settings.fanout_row_us,
        merge_us=settings.fanout_merge_us,
        reads_a_day=settings.fanout_reads_a_day,
    )
    threshold = Threshold(stores.marks, stores.authors, graph, costs, now=now)
    backlog = Backlog(lambda: lanes.lag(Lane.SMALL), most=settings.fanout_most_waiting)
    returns = Return(
        stores.marks,
        stores.authors,
        stores.home,
        stores.warm,
        stores.idle,
        stores.erased,
        graph,
        tasks,
        page=settings.fanout_page,
        now=now,
    )

    def push(lane: Lane, in_flight: int) -> Push:
        rows = ChunkRows(cassandra, in_flight=in_flight)
        return Push(lane, rows, stores.warm, stores.idle, stores.erased, tasks, now=now)

    def turns(name: str) -> Turns:
        return Turns(redis, Patience("REDIS", seconds=2.0, rest=0.0, clock=time.monotonic), name)

    heard = Heard(
        FanOut(stores.authors, threshold, graph, tasks, backlog, page=settings.fanout_page),
        Follows(stores.home, stores.warm, stores.authors, stores.marks, tasks, now=now),
        erasure,
        returns,
        {
            Lane.SMALL: push(Lane.SMALL, settings.fanout_small_batches),
            Lane.LARGE: push(Lane.LARGE, settings.fanout_large_batches),
        },
    )
    pause = timedelta(seconds=settings.fanout_review_seconds)
    running = [*lanes.tasks(heard), Review(stores.marks, threshold, tasks, turns("review"), pause=pause, now=now).run]
    if settings.idle_days:
        sweep = Sweep(stores.states, stores.idle, stores.warm, turns("sweep"), days=settings.idle_days, now=now)
        running.append(sweep.run)
    return running
