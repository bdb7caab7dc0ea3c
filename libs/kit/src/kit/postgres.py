"""Postgres by asyncpg: a pool to the primary for the truth, pools to replicas for reads that allow staleness."""

import asyncio
import itertools
import json
import time
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, TypeAlias

import asyncpg
from opentelemetry.instrumentation.asyncpg import AsyncPGInstrumentor
from prometheus_client import Gauge, Histogram

from kit import deadline, telemetry
from kit.errors import DeadlineExceeded, Unavailable, from_exception
from kit.settings import PostgresSettings

if TYPE_CHECKING:
    from asyncpg.pool import PoolConnectionProxy

Record: TypeAlias = asyncpg.Record
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

SIZE = Gauge("heliograph_postgres_pool_size", "Connections that the pool may have", ["pool"])
OPEN = Gauge("heliograph_postgres_connections", "Connections that are open", ["pool"])
IN_USE = Gauge("heliograph_postgres_connections_in_use", "Connections that somebody holds", ["pool"])
WAITING = Gauge("heliograph_postgres_waiting", "Those who wait for a connection", ["pool"])
ACQUIRE = Histogram(
    "heliograph_postgres_acquire_seconds",
    "How long it took to get a connection",
    ["pool"],
    buckets=(0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5),
)

_ACQUIRE_SECONDS = 5.0
_CONNECT_SECONDS = 5.0
_ASIDE = 2  # a relay has one, who looks for its work and at what is left the other
_AVOID_SECONDS = 5.0
_ANSWER_SECONDS = 20.0  # more than the server gives a statement: who is silent for longer is gone
_SERVER_SETTINGS = {
    "application_name": "heliograph",
    "statement_timeout": "15s",
    "lock_timeout": "5s",
    "idle_in_transaction_session_timeout": "60s",
}


class Pool:
    """Connections to one server, made when first needed: it may be down when the process starts.

    Everything ends in time with the current request's deadline, and the server cancels what was running. Raises
    Unavailable when no connection is free or the server is away, DeadlineExceeded when time is up; whether a
    transaction took effect is then not known.
    """

    def __init__(self, dsn: str, *, size: int, patience: float = _ANSWER_SECONDS, name: str = "primary") -> None:
        """`name` is what the metrics call it."""
        self._dsn, self._size, self._patience = dsn, size, patience
        self._pool: asyncpg.Pool[Record] | None = None
        self._failed_at = float("-inf")
        self._waiting = WAITING.labels(name)
        self._acquire = ACQUIRE.labels(name)
        SIZE.labels(name).set(size)
        OPEN.labels(name).set_function(lambda: self._pool.get_size() if self._pool else 0)
        IN_USE.labels(name).set_function(self._in_use)

    @property
    def suspect(self) -> bool:
        """Whether no connection could be had within the last seconds."""
        return time.monotonic() - self._failed_at < _AVOID_SECONDS

    @asynccontextmanager
    async def acquire(self) -> AsyncGenerator[Connection]:
        """A connection that commits each statement by itself."""
        limit = asyncio.timeout(deadline.remaining())
        try:
            async with limit:
                connection = await self._checkout()
                try:
                    yield connection
                finally:
                    await self._opened.release(connection)  # type: ignore[arg-type]
        except TimeoutError:
            if limit.expired():
                raise DeadlineExceeded("POSTGRES_TIMEOUT", "a backing service took too long") from None
            raise

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        """A transaction (read committed): commits at the end of the block, rolls back when it raises."""
        async with self.acquire() as connection, connection.transaction():
            yield connection

    async def fetch(self, query: str, *args: object) -> list[Record]:
        async with self.acquire() as connection:
            return await connection.fetch(query, *args)

    async def fetchrow(self, query: str, *args: object) -> Record | None:
        async with self.acquire() as connection:
            return await connection.fetchrow(query, *args)

    async def fetchval(self, query: str, *args: object) -> Any:
        async with self.acquire() as connection:
            return await connection.fetchval(query, *args)

    async def execute(self, query: str, *args: object) -> str:
        """The server's answer, such as "UPDATE 1"."""
        async with self.acquire() as connection:
            return await connection.execute(query, *args)

    async def executemany(self, query: str, rows: Iterable[Sequence[object]]) -> None:
        async with self.acquire() as connection:
            await connection.executemany(query, rows)

    async def close(self) -> None:
        """Waits a little for what is still running."""
        if self._pool is not None:
            try:
                async with asyncio.timeout(_CONNECT_SECONDS):
                    await self._pool.close()
            except TimeoutError:
                self._pool.terminate()

    @property
    def _opened(self) -> "asyncpg.Pool[Record]":
        if self._pool is None:  # made inside the loop that uses it; connects to nothing yet
            self._pool = asyncpg.create_pool(
                self._dsn,
                min_size=0,
                max_size=self._size,
                timeout=_CONNECT_SECONDS,
                command_timeout=self._patience,
                server_settings=_SERVER_SETTINGS,
                init=_add_codecs,
                reset=_keep,
            )
        return self._pool

    def _in_use(self) -> int:
        return self._pool.get_size() - self._pool.get_idle_size() if self._pool else 0

    async def _checkout(self) -> "PoolConnectionProxy[Record]":
        began = time.perf_counter()
        self._waiting.inc()
        try:
            pool = await self._opened  # no I/O: min_size is 0
            return await pool.acquire(timeout=_ACQUIRE_SECONDS)
        except Exception as error:
            if isinstance(error, TimeoutError) or from_exception(error):
                self._failed_at = time.monotonic()
                raise _unavailable() from error
            raise
        finally:
            self._waiting.dec()
            self._acquire.observe(time.perf_counter() - began)


class Postgres:
    """`primary` holds the truth; `stale` is a replica, or the primary when there is none or none answers. `aside` are
    few connections to the primary for work that must not queue behind requests."""

    def __init__(self, primary: Pool, replicas: Sequence[Pool] = (), *, aside: Pool | None = None) -> None:
        self.primary, self.aside = primary, aside or primary
        self._replicas = tuple(replicas)
        self._turn = itertools.count()

    @property
    def stale(self) -> Pool:
        """For reads that may be seconds old, never for authorisation. Each read takes the next replica."""
        healthy = [pool for pool in self._replicas if not pool.suspect]
        return healthy[next(self._turn) % len(healthy)] if healthy else self.primary

    async def check(self) -> None:
        """Raises when the primary does not answer within a second."""
        with deadline.within(1.0):
            await self.primary.fetchval("select 1")

    async def close(self) -> None:
        await asyncio.gather(*(pool.close() for pool in {self.primary, self.aside, *self._replicas}))


@asynccontextmanager
async def open_postgres(settings: PostgresSettings) -> AsyncGenerator[Postgres]:
    """Starts even when the servers are down."""
    if telemetry.enabled() and not AsyncPGInstrumentor().is_instrumented_by_opentelemetry:
        AsyncPGInstrumentor().instrument()
    size, primary = settings.postgres_pool_size, settings.postgres_dsn.get_secret_value()
    postgres = Postgres(
        Pool(primary, size=size),
        [
            Pool(dsn.get_secret_value(), size=size, name=f"replica-{number}")
            for number, dsn in enumerate(settings.postgres_replica_dsns)
        ],
        aside=Pool(primary, size=_ASIDE, name="aside"),
    )
    try:
        yield postgres
    finally:
        await postgres.close()


def _unavailable() -> Unavailable:
    return Unavailable("POSTGRES_UNAVAILABLE", "a backing service is not available", retry_after=1)


async def _add_codecs(connection: "asyncpg.Connection[Record]") -> None:
    await connection.set_type_codec("jsonb", encoder=json.dumps, decoder=json.loads, schema="pg_catalog")


async def _keep(_connection: "asyncpg.Connection[Record]") -> None:
    """Nothing here sets session state, so a connection that comes back needs no round trip to reset it."""
