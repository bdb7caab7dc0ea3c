"""The stores on real servers with the real migrations."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from graph_service.events import event_of
from graph_service.store.truth import Truth
from kit.kafka import Producer
from kit.outbox import Outbox
from kit.postgres import Postgres, open_postgres
from kit.redis import open_redis
from kit.settings import PostgresSettings, RedisSettings
from kit.testing import MakeDatabase
from pydantic import SecretStr
from redis.asyncio import Redis

from services.graph.tests.world import Clock

MIGRATIONS = Path(__file__).parents[2] / "migrations"


@pytest.fixture
async def dsn(make_database: MakeDatabase) -> str:
    return await make_database(MIGRATIONS)


@pytest.fixture
async def postgres(dsn: str) -> AsyncGenerator[Postgres]:
    async with open_postgres(PostgresSettings(postgres_dsn=SecretStr(dsn))) as postgres:
        yield postgres


@pytest.fixture
async def redis(redis_url: str) -> AsyncGenerator[Redis]:
    async with open_redis(RedisSettings(redis_url=SecretStr(redis_url))) as redis:
        yield redis


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def truth(postgres: Postgres, clock: Clock) -> Truth:
    """Its events stay in the outbox: nothing relays them."""
    return Truth(postgres, Outbox(postgres, Producer("", ""), source="graph"), event_of, clock)
