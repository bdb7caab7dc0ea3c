import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest
from kit.cache import Cache
from kit.hotredis import open_hot_redis
from kit.redis import open_redis
from kit.settings import RedisSettings
from kit.testing import MakeSettings
from redis.asyncio import Redis


@pytest.fixture
async def redis(make_settings: MakeSettings, redis_url: str) -> AsyncGenerator[Redis]:
    async with open_redis(make_settings(RedisSettings, redis_url=redis_url)) as redis:
        yield redis


@pytest.fixture
async def no_redis(make_settings: MakeSettings) -> AsyncGenerator[Redis]:
    async with open_redis(make_settings(RedisSettings, redis_url="redis://127.0.0.1:1/0")) as redis:
        yield redis


class Truth:
    """Rows, and how they were asked for. While `gate` is closed an answer is read and does not arrive."""

    def __init__(self, **rows: str) -> None:
        self.rows = {int(key.removeprefix("n")): value for key, value in rows.items()}
        self.asked: list[list[int]] = []
        self.reached = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self, ids: Sequence[int]) -> dict[int, str]:
        self.asked.append(list(ids))
        self.reached.set()
        found = {each: self.rows[each] for each in ids if each in self.rows}
        await self.gate.wait()
        return found


def cache(redis: Redis) -> Cache[str]:
    return Cache(redis, "test:things", str.encode, bytes.decode, ttl=60)


async def test_what_was_loaded_is_not_loaded_again(redis: Redis) -> None:
    truth = Truth(n1="one", n2="two")
    assert await cache(redis).get_many([2, 1, 3], truth.load) == {2: "two", 1: "one"}
    assert await cache(redis).get_many([2, 1], truth.load) == {2: "two", 1: "one"}
    assert truth.asked == [[2, 1, 3]]


async def test_the_hot_client_reads_what_was_put(redis: Redis, make_settings: MakeSettings, redis_url: str) -> None:
    truth = Truth(n1="one", n2="two")
    async with open_hot_redis(make_settings(RedisSettings, redis_url=redis_url)) as hot:
        things = Cache(redis, "test:things", str.encode, bytes.decode, ttl=60, hot=hot)
        await things.put(1, "uno", version=2)
        assert await things.get_many([1, 2, 3], truth.load) == {1: "uno", 2: "two"}
        await things.drop(1)
        assert await things.get_many([1, 2], truth.load) == {1: "one", 2: "two"}
    assert truth.asked == [[2, 3], [1]]


async def test_simultaneous_misses_share_one_load(redis: Redis) -> None:
    truth, things = Truth(n1="one", n2="two"), cache(redis)
    truth.gate.clear()
    reads = [asyncio.create_task(things.get_many([1, 2], truth.load)) for _ in range(50)]
    await asyncio.sleep(0.1)  # all of them wait
    truth.gate.set()
    assert await asyncio.gather(*reads) == [{1: "one", 2: "two"}] * 50
    assert truth.asked == [[1, 2]]


async def test_a_reader_that_gives_up_does_not_take_the_others_with_it(redis: Redis) -> None:
    truth, things = Truth(n1="one"), cache(redis)
    truth.gate.clear()
    first = asyncio.create_task(things.get(1, truth.load))
    await truth.reached.wait()
    second = asyncio.create_task(things.get(1, truth.load))
    await asyncio.sleep(0.05)
    first.cancel()
    truth.gate.set()
    assert await second == "one"


async def test_a_value_read_before_a_drop_does_not_come_back(redis: Redis) -> None:
    truth, things, elsewhere = Truth(n1="old"), cache(redis), cache(redis)
    truth.gate.clear()
    slow = asyncio.create_task(things.get(1, truth.load))
    await truth.reached.wait()
    truth.rows[1] = "new"
    await elsewhere.drop(1)
    truth.gate.set()
    assert await slow == "old"
    assert await things.get(1, truth.load) == "new"
    assert await elsewhere.get(1, truth.load) == "new"


async def test_a_value_read_before_a_put_does_not_replace_it(redis: Redis) -> None:
    truth, things, elsewhere = Truth(n1="old"), cache(redis), cache(redis)
    truth.gate.clear()
    slow = asyncio.create_task(things.get(1, truth.load))
    await truth.reached.wait()
    await elsewhere.put(1, "new", version=7)
    truth.gate.set()
    await slow
    assert await things.get(1, truth.load) == "new"


async def test_an_older_put_gives_way_to_a_newer_one(redis: Redis) -> None:
    truth, things = Truth(), cache(redis)
    await things.put(1, "newer", version=300)
    await things.put(1, "older", version=299)
    assert await things.get(1, truth.load) == "newer"
    await things.put(1, "newest", version=301)
    assert await things.get(1, truth.load) == "newest"


async def test_a_late_put_does_not_bring_back_what_was_dropped(redis: Redis) -> None:
    truth, things = Truth(), cache(redis)
    await things.drop(1)
    await things.put(1, "gone", version=300)
    assert await things.get(1, truth.load) is None


async def test_without_redis_every_read_loads(no_redis: Redis) -> None:
    truth, things = Truth(n1="one"), cache(no_redis)
    await things.put(1, "one", version=1)
    await things.drop(1)
    assert await things.get(1, truth.load) == "one"
    assert await things.get(1, truth.load) == "one"
    assert truth.asked == [[1], [1]]
