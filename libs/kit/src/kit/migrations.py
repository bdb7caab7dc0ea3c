"""Postgres migrations: Alembic without its command line, ini file and env.py.

A service's folder holds files such as `0001_accounts.py` with `revision = "0001"`, `down_revision = None` and
`def upgrade() -> None: op.execute("...")`. Each file is one transaction; one `op.execute` may hold several statements.
Frozen SQL that migrations of several services share is here under a version that never changes once released.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool
from sqlalchemy.util import await_only

from kit import log
from kit.drivers import statement_timed_out

NEXT_ID_V1 = """
create sequence if not exists next_id_seq;
create or replace function next_id() returns bigint language sql volatile as $$
    select (floor(extract(epoch from clock_timestamp()) * 1000)::bigint << 16) | (nextval('next_id_seq') & 65535)
$$;
"""

# The shard leads the primary key, so that Citus can place a row beside the rows that its event speaks of.
OUTBOX_V1 = """
create table outbox (
    shard bigint not null,
    id bigint generated always as identity,
    lane smallint not null,
    topic text not null,
    key text not null,
    type text not null,
    event_id uuid not null,
    payload bytea not null,
    traceparent text,
    created_at timestamptz not null default clock_timestamp(),
    primary key (shard, id)
) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
create index outbox_lane on outbox (lane, id);
"""

_DRIVER = "postgresql+asyncpg://"
_LOCK_KEY = 0x6865_6C69_6F00  # any constant: it keeps two migrations of one database apart
_LOCK_TIMEOUT = "5s"
_ATTEMPTS = 12
_PAUSE = 0.25

logger = log.get(__name__)


def migrate(dsn: str, versions: Path) -> None:
    """Brings the database to the newest version in the folder; safe to run at the same time as another one, and beside
    running processes: a statement that waits 5 s for a table's lock gives up and is tried again some times."""
    asyncio.run(upgrade(dsn, versions))


async def upgrade(dsn: str, versions: Path) -> None:
    """As migrate, inside a running loop."""
    engine = create_async_engine(
        "postgresql+asyncpg://", async_creator=lambda: asyncpg.connect(dsn), poolclass=NullPool
    )
    event.listen(engine.sync_engine, "do_execute", _run_script)
    try:
        async with _alone(engine):
            await _with_patience(engine, versions)
    finally:
        await engine.dispose()


@asynccontextmanager
async def _alone(engine: AsyncEngine) -> AsyncGenerator[None]:
    """Holds the migrations' lock. Tries instead of waiting: a waiting statement holds a snapshot, which would deadlock
    with a `create index concurrently` of the one that holds the lock."""
    async with engine.connect() as connection:
        while not await _take(connection, "pg_try_advisory_lock"):  # noqa: ASYNC110 the other one is no task of ours
            await asyncio.sleep(_PAUSE)
        try:
            yield
        finally:
            await _take(connection, "pg_advisory_unlock")


async def _take(connection: AsyncConnection, function: str) -> bool:
    answer = await connection.execute(text(f"select {function}({_LOCK_KEY})"))
    await connection.rollback()  # a session's lock outlives it, and no transaction stays open
    return bool(answer.scalar_one())


async def _with_patience(engine: AsyncEngine, versions: Path) -> None:
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            async with engine.connect() as connection:
                await connection.execute(text(f"set lock_timeout = '{_LOCK_TIMEOUT}'"))
                await connection.commit()
                await connection.run_sync(_upgrade, versions)
                return
        except DBAPIError as error:
            cause = error.orig and error.orig.__cause__
            if attempt == _ATTEMPTS or cause is None or not statement_timed_out(cause):
                raise
            logger.warning("a table is locked, trying again", attempt=attempt)
            await asyncio.sleep(_PAUSE * attempt)


def _upgrade(connection: Connection, versions: Path) -> None:
    config = Config()
    config.set_main_option("path_separator", "newline")
    config.set_main_option("script_location", str(versions))
    config.set_main_option("version_locations", str(versions))
    scripts = ScriptDirectory.from_config(config)

    def newest(revision: Any, _context: Any) -> Any:
        return scripts._upgrade_revs("head", revision)  # pyright: ignore[reportPrivateUsage] as Alembic's own command does

    with EnvironmentContext(config, scripts, fn=newest, destination_rev="head") as environment:
        environment.configure(connection=connection, transaction_per_migration=True)
        with environment.begin_transaction():
            environment.run_migrations()


def _run_script(cursor: Any, statement: str, parameters: Any, _context: Any) -> bool:
    """asyncpg prepares one statement at a time: a script of several goes by the simple protocol instead. Answers
    whether the statement was run here."""
    if parameters or ";" not in statement.strip().rstrip(";"):
        return False
    adapted = cursor._adapt_connection  # SQLAlchemy has no public way to it from a cursor
    if adapted._transaction is None:
        await_only(adapted._start_transaction())
    await_only(cursor._connection.execute(statement))
    return True
