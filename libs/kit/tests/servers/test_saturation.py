"""How full pools are, as /metrics shows it."""

import asyncio

import pytest
from kit import deadline
from kit.errors import DeadlineExceeded
from kit.hotredis import open_hot_redis
from kit.postgres import open_postgres
from kit.redis import open_redis
from kit.settings import PostgresSettings, RedisSettings
from kit.testing import MakeDatabase, MakeSettings, eventually
from prometheus_client import REGISTRY


def shown(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"heliograph_{name}", labels) or 0


async def test_a_pool_of_postgres_shows_who_holds_and_who_waits(
    make_database: MakeDatabase, make_settings: MakeSettings
) -> None:
    settings = make_settings(PostgresSettings, postgres_dsn=await make_database(), postgres_pool_size=1)

    async def waiting() -> bool:
        return shown("postgres_waiting", pool="primary") == 1

    async with open_postgres(settings) as postgres:
        async with postgres.primary.acquire():
            assert shown("postgres_pool_size", pool="primary") == shown("postgres_connections", pool="primary") == 1
            assert shown("postgres_connections_in_use", pool="primary") == 1
            second = asyncio.create_task(postgres.primary.fetchval("select 1"))
            await eventually(waiting)
        assert await second == 1
        assert shown("postgres_waiting", pool="primary") == 0
        assert shown("postgres_connections_in_use", pool="primary") == 0
        assert shown("postgres_connections", pool="aside") == 0


async def test_who_gave_up_does_not_wait_any_more(make_database: MakeDatabase, make_settings: MakeSettings) -> None:
    settings = make_settings(PostgresSettings, postgres_dsn=await make_database(), postgres_pool_size=1)
    async with open_postgres(settings) as postgres, postgres.primary.acquire():
        with pytest.raises(DeadlineExceeded), deadline.within(0.1):
            await postgres.primary.fetchval("select 1")
        assert shown("postgres_waiting", pool="primary") == 0


async def test_redis_shows_connections_and_commands_that_wait(make_settings: MakeSettings, redis_url: str) -> None:
    settings = make_settings(RedisSettings, redis_url=redis_url)
    async with open_redis(settings) as redis, open_hot_redis(settings) as hot:
        await redis.ping()
        assert (shown("redis_connections"), shown("redis_connections_in_use")) == (1, 0)
        asked = [hot.execute("PING") for _ in range(3)]
        assert (shown("hot_redis_queue"), shown("hot_redis_connected")) == (3, 0)
        await asyncio.gather(*asked)
        assert (shown("hot_redis_queue"), shown("hot_redis_connected")) == (0, 1)
