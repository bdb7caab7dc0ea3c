"""An inbox on real servers."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from kit.cassandra import open_cassandra
from kit.postgres import open_postgres
from kit.settings import CassandraSettings, PostgresSettings
from kit.testing import MakeDatabase, MakeKeyspace, MakeSettings
from notify_service.store.inboxes import InboxStore
from notify_service.store.markers import MarkerStore

MIGRATIONS = Path(__file__).parents[1] / "migrations"


@pytest.fixture
async def inboxes(make_keyspace: MakeKeyspace, make_settings: MakeSettings) -> AsyncGenerator[InboxStore]:
    keyspace = await make_keyspace(MIGRATIONS / "cassandra")
    async with open_cassandra(make_settings(CassandraSettings, cassandra_keyspace=keyspace)) as cassandra:
        yield InboxStore(cassandra)


@pytest.fixture
async def markers(make_database: MakeDatabase, make_settings: MakeSettings) -> AsyncGenerator[MarkerStore]:
    dsn = await make_database(MIGRATIONS)
    async with open_postgres(make_settings(PostgresSettings, postgres_dsn=dsn)) as postgres:
        yield MarkerStore(postgres)
