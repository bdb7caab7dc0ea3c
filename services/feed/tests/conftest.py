"""The real stores, each test with a keyspace and a Redis of its own."""

import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio
from feed_service.store import AuthorMarks, AuthorRows, ChunkRows, HomeRows, IdleAccounts, Patience, WarmTimelines
from kit.cassandra import Cassandra, open_cassandra
from kit.redis import open_redis
from kit.settings import CassandraSettings, RedisSettings
from kit.testing import MakeKeyspace, MakeSettings
from redis.asyncio import Redis

from services.feed.tests.fakes import Clock

MIGRATIONS = Path(__file__).parents[1] / "migrations" / "cassandra"
WARM_CAP = 5


def patience(server: str, seconds: float = 10) -> Patience:
    return Patience(server, seconds=seconds, rest=0, clock=time.monotonic)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def cassandra(make_keyspace: MakeKeyspace, make_settings: MakeSettings) -> AsyncGenerator[Cassandra]:
    settings = make_settings(CassandraSettings, cassandra_keyspace=await make_keyspace(MIGRATIONS))
    async with open_cassandra(settings) as opened:
        yield opened


@pytest_asyncio.fixture
async def redis(redis_url: str, make_settings: MakeSettings) -> AsyncGenerator[Redis]:
    async with open_redis(make_settings(RedisSettings, redis_url=redis_url)) as opened:
        yield opened


@pytest.fixture
def home(cassandra: Cassandra) -> HomeRows:
    return HomeRows(cassandra, patience("CASSANDRA"))


@pytest.fixture
def rows(cassandra: Cassandra) -> ChunkRows:
    return ChunkRows(cassandra, in_flight=4)


@pytest.fixture
def authors(cassandra: Cassandra, clock: Clock) -> AuthorRows:
    return AuthorRows(cassandra, patience("CASSANDRA"), now=clock.now)


@pytest.fixture
def warm(redis: Redis) -> WarmTimelines:
    return WarmTimelines(redis, patience("REDIS"), cap=WARM_CAP)


@pytest.fixture
def marks(cassandra: Cassandra) -> AuthorMarks:
    return AuthorMarks(cassandra, patience("CASSANDRA"))


@pytest.fixture
def idle(redis: Redis, clock: Clock) -> IdleAccounts:
    return IdleAccounts(redis, patience("REDIS"), now=clock.now)
