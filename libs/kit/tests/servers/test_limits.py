import asyncio
from collections.abc import AsyncGenerator

import pytest_asyncio
from kit.hotredis import HotRedis, open_hot_redis
from kit.limits import Limiter
from kit.quotas import Bucket, Quota
from kit.redis import open_redis
from kit.settings import RedisSettings
from kit.testing import MakeSettings
from redis.asyncio import Redis

WIDE, NARROW = Bucket("wide", "test:wide", Quota(5, 3600)), Bucket("narrow", "test:narrow", Quota(2, 3600))


@pytest_asyncio.fixture
async def redis(make_settings: MakeSettings, redis_url: str) -> AsyncGenerator[Redis]:
    async with open_redis(make_settings(RedisSettings, redis_url=redis_url)) as redis:
        yield redis


@pytest_asyncio.fixture
async def no_redis(make_settings: MakeSettings) -> AsyncGenerator[Redis]:
    async with open_redis(make_settings(RedisSettings, redis_url="redis://127.0.0.1:1/0")) as redis:
        yield redis


@pytest_asyncio.fixture
async def hot(make_settings: MakeSettings, redis_url: str) -> AsyncGenerator[HotRedis]:
    async with open_hot_redis(make_settings(RedisSettings, redis_url=redis_url)) as hot:
        yield hot


async def test_two_processes_share_a_bucket_exactly(redis: Redis) -> None:
    one, other = Limiter(redis), Limiter(redis)
    verdicts = await asyncio.gather(*(limiter.take([WIDE]) for limiter in (one, other) for _ in range(10)))
    assert sum(verdict.allowed for verdict in verdicts) == 5


async def test_either_client_takes_from_the_same_buckets(redis: Redis, hot: HotRedis) -> None:
    limiters = Limiter(redis), Limiter(hot)
    verdicts = await asyncio.gather(*(limiter.take([WIDE]) for limiter in limiters for _ in range(10)))
    assert sum(verdict.allowed for verdict in verdicts) == 5


async def test_a_verdict_can_be_looked_at_after_other_work(redis: Redis, hot: HotRedis) -> None:
    verdict = Limiter(hot).begin([NARROW])
    async with asyncio.timeout(5):
        while not await redis.exists(NARROW.key):  # noqa: ASYNC110 it is asked although nobody waits
            await asyncio.sleep(0.01)
    assert (await verdict()).standings[0].remaining == 1


async def test_without_redis_a_begun_verdict_is_local(make_settings: MakeSettings) -> None:
    async with open_hot_redis(make_settings(RedisSettings, redis_url="redis://127.0.0.1:1/0")) as away:
        limiter = Limiter(away)
        verdicts = [await limiter.begin([NARROW])() for _ in range(3)]
    assert [verdict.allowed for verdict in verdicts] == [True, True, False]


async def test_what_is_refused_by_one_bucket_costs_the_others_nothing(redis: Redis) -> None:
    limiter = Limiter(redis)
    taken = [(await limiter.take([WIDE, NARROW])) for _ in range(4)]
    assert [verdict.blamed for verdict in taken] == ["", "", "narrow", "narrow"]
    assert [(await limiter.take([WIDE])).allowed for _ in range(4)] == [True, True, True, False]


async def test_what_is_given_back_can_be_taken_by_another_process(redis: Redis) -> None:
    one, other = Limiter(redis), Limiter(redis)
    for _ in range(2):
        await one.take([NARROW])
    await one.give_back([NARROW])
    assert [(await other.take([NARROW])).allowed for _ in range(2)] == [True, False]


async def test_a_bucket_that_is_full_again_leaves_nothing_behind(redis: Redis) -> None:
    limiter = Limiter(redis)
    await limiter.take([NARROW])
    await limiter.give_back([NARROW])
    assert not await redis.exists(NARROW.key)


async def test_without_redis_a_process_limits_alone_and_says_so(no_redis: Redis) -> None:
    told: list[str] = []
    limiter = Limiter(no_redis, lambda: told.append("alone"))
    assert [(await limiter.take([NARROW])).allowed for _ in range(3)] == [True, True, False]
    await limiter.give_back([NARROW])
    assert (await limiter.take([NARROW])).allowed
    assert told
