"""The transactional outbox: an event is a row of the same transaction as the change it tells of; a relay publishes it.

Delivery is at least once with a stable event id, in order per key. A key's events have the order of their rows only if
the transaction holds the lock on the key's aggregate before it emits.
"""

import asyncio
import time
import zlib
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Collection, Iterable, Mapping
from contextlib import asynccontextmanager
from contextvars import Context
from dataclasses import dataclass
from datetime import UTC, datetime

from prometheus_client import Gauge, Histogram

from kit import faults, telemetry
from kit.errors import Unavailable
from kit.kafka import MAX_VALUE_BYTES, Message, Producer, open_producer
from kit.outage import outlast
from kit.postgres import Connection, Postgres, Record
from kit.tasks import seen, together

__all__ = ["Event", "Outbox", "Producer", "Transaction", "append", "lane_of", "open_producer"]

LANES = 4  # rows carry their lane: raising it is safe, lowering it strands rows
LOCK_SPACE = 0x6F62  # of Postgres' advisory locks; the lane is the second half
_BATCH = 500
_POLL_SECONDS = 0.05
_IDLE_POLL_SECONDS = 0.25  # when this process wrote nothing for a while
_IDLE_AFTER = 2.0
_GAUGE_SECONDS = 5.0
_PUBLISHED_SECONDS = 1.0
_PUBLISHED_PAUSE = 0.02
_TAKEN_SECONDS = 0.02  # until a lane is tried again that another relay works on

_APPEND = """
insert into outbox (shard, lane, topic, key, type, event_id, payload, traceparent)
select event.shard, event.lane, event.topic, event.key, event.type, gen_random_uuid(), event.payload, $7
from unnest($1::bigint[], $2::smallint[], $3::text[], $4::text[], $5::text[], $6::bytea[])
    with ordinality as event(shard, lane, topic, key, type, payload, place)
order by event.place
"""
# Nobody waits for the disk: rows that come back after a crash of Postgres are published again under the same ids.
_HOLD = """
select lane, set_config('synchronous_commit', 'off', true) from unnest($1::int[]) as asked(lane)
where pg_try_advisory_xact_lock($2, lane)
"""
# A scan for each lane that is held ($2 and on, null for the others): the index has the order within a lane alone.
_NEXT = " union all ".join(
    f"(select shard, id from outbox where lane = ${2 + lane}::smallint order by id limit $1)"  # noqa: S608 a number of ours
    for lane in range(LANES)
)
_TAKE = f"""
with taken as (
    delete from outbox where (shard, id) in (select shard, id from ({_NEXT}) as next)
    returning id, lane, topic, key, type, event_id, payload, traceparent, created_at
)
select lane, topic, key, type, event_id, payload, traceparent, created_at from taken order by id
"""  # noqa: S608 as above
_FULL_LANES = """
select lane from generate_series(0, $1::int - 1) as lanes(lane)
where exists (select from outbox where outbox.lane = lanes.lane::smallint)
"""
_STATE = """
select (select count(*) from (select from outbox limit 100001) as some_rows) as depth,
    coalesce(extract(epoch from clock_timestamp() - min(oldest.created_at)), 0)::float8 as age
from generate_series(0, $1::int - 1) as lanes(lane) cross join lateral
    (select created_at from outbox where outbox.lane = lanes.lane::smallint order by id limit 1) as oldest
"""

# The first and the last row of all; the index has the order within a lane alone.
_SPAN = """
select coalesce(min(oldest.id), 0) as oldest, coalesce(max(newest.id), 0) as newest
from generate_series(0, $1::int - 1) as lanes(lane)
cross join lateral
    (select id from outbox where outbox.lane = lanes.lane::smallint order by id limit 1) as oldest
cross join lateral
    (select id from outbox where outbox.lane = lanes.lane::smallint order by id desc limit 1) as newest
"""

DEPTH = Gauge("heliograph_outbox_depth", "Events not yet published (counted to 100,001)", ["source"])
AGE = Gauge("heliograph_outbox_age_seconds", "Age of the oldest event not yet published", ["source"])
DELAY = Histogram(
    "heliograph_outbox_delay_seconds",
    "From an event's transaction to Kafka's acknowledgement",
    ["source"],
    buckets=(0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300),
)
Onward = Callable[[str, str, datetime], str]


@dataclass(frozen=True)
class Event:
    """`topic` is named without the prefix; `key` is the aggregate's id; `shard` the transaction's distribution key."""

    topic: str
    key: str
    type: str
    payload: bytes
    shard: int


class Transaction:
    """`conn` runs inside the transaction."""

    def __init__(self, conn: Connection) -> None:
        self.conn = conn
        self.lanes: set[int] = set()

    async def emit(self, *events: Event) -> None:
        """Appends the events in this order. Lock the aggregate's row first."""
        if any(len(event.payload) > MAX_VALUE_BYTES for event in events):
            raise ValueError(f"an event holds at most {MAX_VALUE_BYTES} bytes")
        if events:
            self.lanes |= await append(self.conn, events)


async def append(conn: Connection, events: Iterable[Event]) -> set[int]:
    """Writes the rows alone, and answers their lanes; for those who hold no Transaction. The relay finds them by its
    poll."""
    rows = [(event.shard, lane_of(event.key), event.topic, event.key, event.type, event.payload) for event in events]
    columns = [list(column) for column in zip(*rows, strict=True)]
    await conn.execute(_APPEND, *columns, telemetry.traceparent())
    return {lane for _, lane, *_ in rows}


def lane_of(key: str) -> int:
    return zlib.crc32(key.encode()) % LANES


class Outbox:
    """`source` is the service's name, in the events and in the metrics."""

    def __init__(self, postgres: Postgres, producer: Producer, *, source: str, topic_prefix: str = "") -> None:
        del topic_prefix  # the producer knows it; rows hold bare names so that they survive another prefix
        self._postgres, self._producer, self._source = postgres, producer, source
        self._due: set[int] = set()
        self._woken, self._woken_at = asyncio.Event(), 0.0
        self._look: asyncio.Task[None] | None = None
        self._next_look: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        """Commits at the end of the block and wakes the relay."""
        async with self._postgres.primary.transaction() as conn:
            transaction = Transaction(conn)
            yield transaction
        self.wake(transaction.lanes)

    def wake(self, lanes: Iterable[int]) -> None:
        self._due.update(lanes)
        if self._due:
            self._woken.set()
            self._woken_at = time.monotonic()

    async def published(self) -> None:
        """Returns once Kafka has every event of what was committed before the call, whoever relays it. Raises
        Unavailable NOT_PUBLISHED after a second: an answer in time, for those who call by RPC.

        A relay's rows are gone for others when its transaction has committed, which it does after Kafka has all of
        them. Events of transactions that end meanwhile may be waited for too. Who comes before a look begins shares it.
        """
        if self._next_look is None:
            self._next_look = asyncio.create_task(self._look_after(self._look), context=Context())
            self._next_look.add_done_callback(seen)
        try:
            async with asyncio.timeout(_PUBLISHED_SECONDS):
                await asyncio.shield(self._next_look)
        except TimeoutError:
            raise Unavailable("NOT_PUBLISHED", "events wait to be published", retry_after=1) from None

    async def run(self) -> None:
        """The relay: runs until cancelled, in every process of the service; one at a time works on a lane."""
        await together(self._watch(), self._measure(), self._serve())

    async def _serve(self) -> None:
        while True:
            await self._woken.wait()
            self._woken.clear()
            await outlast(self.relay, what="outbox relay")

    async def relay(self) -> None:
        """Publishes what comes next in the lanes that are due, all of them in one transaction: what is written while it
        runs makes the next one larger instead of more of them.

        The rows are gone only when the transaction commits, after Kafka has all of them: whoever dies in between leaves
        them to be published again.
        """
        await self._producer.ready()  # no transaction is held open while Kafka is away
        due = frozenset(self._due)
        self._due.clear()
        try:
            async with self._postgres.aside.transaction() as conn:
                held = {int(row["lane"]) for row in await conn.fetch(_HOLD, list(due), LOCK_SPACE)}
                taken: Mapping[int, int] = await self._publish(conn, held) if held else {}
        except BaseException:
            self._due.update(due)  # for who tries again
            raise
        self.wake(lane for lane in held if taken[lane] == _BATCH)
        if due - held:
            asyncio.get_running_loop().call_later(_TAKEN_SECONDS, self.wake, due - held)

    async def _publish(self, conn: Connection, lanes: Collection[int]) -> Mapping[int, int]:
        """Answers how many rows of each lane there were."""
        rows = await conn.fetch(_TAKE, _BATCH, *(lane if lane in lanes else None for lane in range(LANES)))
        if rows:
            with telemetry.relaying() as onward:
                await self._producer.publish([self._message(row, onward) for row in rows])
            self._time(rows)
            faults.point("relay_after_publish")
        return Counter(int(row["lane"]) for row in rows)

    async def _watch(self) -> None:
        """Finds what a wake missed: events of a process that died, or that came while another relay had the lane."""
        while True:
            rows = await outlast(lambda: self._postgres.aside.fetch(_FULL_LANES, LANES), what="outbox poll")
            self.wake(row["lane"] for row in rows)
            idle = time.monotonic() - self._woken_at > _IDLE_AFTER
            await asyncio.sleep(_IDLE_POLL_SECONDS if idle else _POLL_SECONDS)

    async def _measure(self) -> None:
        while True:
            state = await outlast(lambda: self._postgres.aside.fetchrow(_STATE, LANES), what="outbox gauge")
            DEPTH.labels(self._source).set(state["depth"] if state else 0)
            AGE.labels(self._source).set(state["age"] if state else 0)
            await asyncio.sleep(_GAUGE_SECONDS)

    async def _look_after(self, earlier: "asyncio.Task[None] | None") -> None:
        if earlier is not None:
            await asyncio.wait([earlier])
        self._look, self._next_look = self._next_look, None
        async with asyncio.timeout(_PUBLISHED_SECONDS):
            oldest, newest = await self._span()
            last = newest
            while newest and oldest <= last:
                await asyncio.sleep(_PUBLISHED_PAUSE)
                oldest, newest = await self._span()

    async def _span(self) -> tuple[int, int]:
        """Ids of the first and the last event that is not yet published; zeros when there is none."""
        row = await self._postgres.aside.fetchrow(_SPAN, LANES)
        return (row["oldest"], row["newest"]) if row else (0, 0)

    def _time(self, rows: Iterable[Record]) -> None:
        delay, now = DELAY.labels(self._source), datetime.now(UTC)
        for row in rows:
            seconds = max(0.0, (now - row["created_at"]).total_seconds())
            delay.observe(seconds, telemetry.exemplar_of(row["traceparent"] or ""))

    def _message(self, row: Record, onward: Onward) -> Message:
        """In sampled traces the relay's span stands between the transaction's and the consumers'."""
        came: str | None = row["traceparent"]
        traceparent = came and onward(f"publish {row['topic']} {row['type']}", came, row["created_at"])
        return Message(
            topic=row["topic"],
            key=row["key"],
            type=row["type"],
            value=row["payload"],
            source=self._source,
            id=str(row["event_id"]),
            time=row["created_at"],
            extra=((telemetry.TRACEPARENT, traceparent.encode()),) if traceparent else (),
        )
