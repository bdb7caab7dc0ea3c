"""Cassandra by its own driver: a session, made when first needed and again when it is of no use any more.

Reads and writes use `cassandra_consistency`, LOCAL_QUORUM unless set: with three replicas a read sees every
acknowledged write and one node may be down; with one replica it means that one.
"""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import AbstractContextManager, asynccontextmanager, contextmanager, nullcontext
from typing import Any

from cassandra import OperationTimedOut
from cassandra.cluster import NoHostAvailable
from cassandra.connection import ConnectionException
from opentelemetry.trace import SpanKind
from prometheus_client import Gauge

from kit import cql_calls, deadline, log, telemetry
from kit.cql import Session, cluster_of, migrate
from kit.cql_calls import PreparedStatement, Row, Statement
from kit.errors import Unavailable
from kit.settings import CassandraSettings
from kit.tasks import seen

__all__ = [
    "Cassandra",
    "PreparedStatement",
    "Row",
    "Session",
    "Statement",
    "migrate",
    "open_cassandra",
]

IN_FLIGHT = Gauge("heliograph_cassandra_in_flight", "Operations under way; what is above the limit waits")
LIMIT = Gauge("heliograph_cassandra_in_flight_limit", "Operations that may be under way at once")

_SECONDS = 5.0
_IN_FLIGHT = 256
_REST_SECONDS = 1.0
_UNANSWERED_SECONDS = 10.0  # the driver tries again at least every five
_UNREACHED = (NoHostAvailable, OperationTimedOut, ConnectionException)

logger = log.get(__name__)


class Cassandra:
    """One session, made when first needed. The driver finds nodes again that come back; should it fail to, which its
    bookkeeping of nodes allows, a new session takes its place. Calls raise Unavailable, or the driver's errors, which
    kit.errors.from_exception knows."""

    def __init__(self, settings: CassandraSettings) -> None:
        self._settings = settings
        self._cluster: Any = None
        self._session: Session = None
        self._connecting: asyncio.Task[Session] | None = None
        self._failed_at = float("-inf")
        self._unanswered_since: float | None = None
        self._renewing: asyncio.Task[None] | None = None
        self._slots, self._asked = asyncio.Semaphore(_IN_FLIGHT), 0
        LIMIT.set(_IN_FLIGHT)
        IN_FLIGHT.set_function(lambda: self._asked)
        self._prepared: dict[str, asyncio.Task[PreparedStatement]] = {}

    @property
    def session(self) -> Session:
        """The driver's, for its metadata and for execute_async. Raises Unavailable before the first connection."""
        if self._session is None:
            raise _unavailable()
        return self._session

    async def connected(self) -> Session:
        """The session, connected now if it was not. Raises Unavailable within some seconds. Those who ask at once share
        one attempt, which goes on when they give up."""
        if self._session is not None:
            return self._session
        if self._connecting is None or self._connecting.done():
            if time.monotonic() - self._failed_at < _REST_SECONDS:
                raise _unavailable()
            self._connecting = asyncio.create_task(self._connect())
            self._connecting.add_done_callback(seen)
        return await asyncio.shield(self._connecting)

    async def execute(self, statement: Statement, params: Sequence[object] = ()) -> list[Row]:
        """All rows (named tuples) of a statement: a prepared or bound one, a batch, or text. Text with parameters (`?`)
        is prepared once and kept."""
        session = self._session or await self.connected()
        if isinstance(statement, str) and params:
            statement = await self.prepare(statement)
        with self._asking():
            async with self._slots:
                with _span("cassandra"):
                    return await cql_calls.run(session, statement, params, seconds=_SECONDS)

    async def write(self, statements: Sequence[Statement]) -> None:
        """All of them at once; returns when each is done, and raises what the first to fail did. As execute for each,
        for a fraction of what it costs to come back to the loop so often."""
        session = self._session or await self.connected()
        with self._asking():
            async with self._slots:
                with _span("cassandra write"):
                    await cql_calls.run_all(session, statements, seconds=_SECONDS)

    async def prepare(self, cql: str) -> PreparedStatement:
        """Once for each text, however many ask at the same time."""
        task = self._prepared.get(cql)
        if task is None or (task.done() and (task.cancelled() or task.exception())):
            task = self._prepared[cql] = asyncio.create_task(self._prepare(cql))
        return await asyncio.shield(task)

    async def check(self) -> None:
        """Raises when no node answers within a second."""
        with deadline.within(1.0):
            await self.execute("select key from system.local")

    async def close(self) -> None:
        under_way = [task for task in (self._connecting, self._renewing) if task is not None]
        if under_way:
            await asyncio.wait(under_way)  # threads are at it, which nothing can stop
        if self._cluster is not None:
            await asyncio.to_thread(self._cluster.shutdown)

    async def _connect(self) -> Session:
        cluster = cluster_of(self._settings, _SECONDS)
        try:
            session = await asyncio.to_thread(cluster.connect, self._settings.cassandra_keyspace)
        except Exception as error:
            self._failed_at = time.monotonic()
            await asyncio.to_thread(cluster.shutdown)
            raise _unavailable() from error
        self._cluster, self._session = cluster, session
        return session

    @contextmanager
    def _asking(self) -> Generator[None]:
        if self._unanswered_since is None:
            self._unanswered_since = time.monotonic()
        self._asked += 1
        answered = True
        try:
            yield
        except (*_UNREACHED, asyncio.CancelledError):  # who gives up was not answered either
            answered = False
            self._not_answered(self._unanswered_since, time.monotonic())
            raise
        finally:
            if answered:  # an error of the server's is an answer
                self._unanswered_since = None
            self._asked -= 1

    def _not_answered(self, since: float | None, now: float) -> None:
        idle = self._renewing is None or self._renewing.done()
        if idle and now - max(since or now, self._failed_at) > _UNANSWERED_SECONDS:
            self._renewing = asyncio.create_task(self._renew(now - (since or now)))

    async def _renew(self, unanswered_seconds: float) -> None:
        """The driver may count a node as up to which it has no connections, and then never makes any. While the nodes
        are indeed away the attempt fails, and all stays as it is."""
        old = self._cluster
        try:
            await self._connect()
        except Unavailable:
            return
        self._prepared, self._unanswered_since = {}, None
        logger.warning("a new session with Cassandra", unanswered_seconds=round(unanswered_seconds, 1))
        threading.Thread(target=old.shutdown, daemon=True).start()  # it may wait for ever

    async def _prepare(self, cql: str) -> PreparedStatement:
        session = await self.connected()
        with self._asking():
            return await asyncio.to_thread(session.prepare, cql)


@asynccontextmanager
async def open_cassandra(settings: CassandraSettings) -> AsyncGenerator[Cassandra]:
    """Starts even when the servers are down."""
    cassandra = Cassandra(settings)
    try:
        yield cassandra
    finally:
        await cassandra.close()


def _span(name: str) -> AbstractContextManager[object]:
    """Of a trace that is one of those that are exported: others are spared its cost."""
    recording = telemetry.is_recording()
    return telemetry.tracer.start_as_current_span(name, kind=SpanKind.CLIENT) if recording else nullcontext()


def _unavailable() -> Unavailable:
    return Unavailable("CASSANDRA_UNAVAILABLE", "a backing service is not available", retry_after=1)
