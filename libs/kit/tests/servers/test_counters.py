import asyncio
from collections import defaultdict
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence

import pytest
from kit.counters import Counters
from kit.hotredis import open_hot_redis
from kit.redis import open_redis
from kit.settings import RedisSettings
from kit.testing import MakeSettings, eventually
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from redis.exceptions import RedisError


@pytest.fixture
async def redis(make_settings: MakeSettings, redis_url: str) -> AsyncGenerator[Redis]:
    async with open_redis(make_settings(RedisSettings, redis_url=redis_url)) as redis:
        yield redis


@pytest.fixture
async def no_redis(make_settings: MakeSettings) -> AsyncGenerator[Redis]:
    async with open_redis(make_settings(RedisSettings, redis_url="redis://127.0.0.1:1/0")) as redis:
        yield redis


class Tables:
    """The saved numbers and the rows that are the truth."""

    def __init__(self) -> None:
        self.saved: dict[int, dict[str, int]] = {}
        self.rows: dict[int, dict[str, int]] = defaultdict(lambda: {"likes": 0, "comments": 0})
        self.on_count: Callable[[], None] = lambda: None

    async def load(self, ids: Sequence[int]) -> dict[int, dict[str, int]]:
        return {each: self.saved[each] for each in ids if each in self.saved}

    async def save(self, numbers: Mapping[int, Mapping[str, int]]) -> None:
        self.saved |= {each: dict(of_each) for each, of_each in numbers.items()}

    async def count(self, ids: Sequence[int]) -> dict[int, dict[str, int]]:
        self.on_count()
        return {each: dict(self.rows[each]) for each in ids}

    def like(self, entity_id: int) -> None:
        self.rows[entity_id]["likes"] += 1


@pytest.fixture
def tables() -> Tables:
    return Tables()


def counters(redis: Redis, tables: Tables, *, quiet: float = 0.0, name: str = "test:counts") -> Counters:
    fields = ("likes", "comments")
    return Counters(redis, name, fields, tables.load, tables.save, tables.count, quiet=quiet, pause=0.05)


def drift(name: str) -> float:
    return REGISTRY.get_sample_value("heliograph_counter_drift_total", {"name": name, "field": "likes"}) or 0.0


async def test_a_change_counts_once_however_often_it_is_told(redis: Redis, tables: Tables) -> None:
    likes = counters(redis, tables)
    for change in ("a", "a", "b", "a", "b"):
        numbers = await likes.apply(1, "likes", 1, change)
    assert numbers == {"likes": 2, "comments": 0}
    assert await likes.get([1, 2]) == {1: {"likes": 2, "comments": 0}, 2: {"likes": 0, "comments": 0}}


async def test_one_change_may_move_two_fields_and_two_entities(redis: Redis, tables: Tables) -> None:
    likes = counters(redis, tables)
    await likes.apply(1, "likes", 1, "a")
    await likes.apply(1, "comments", 1, "a")
    await likes.apply(2, "likes", 1, "a")
    assert await likes.get([1, 2]) == {1: {"likes": 1, "comments": 1}, 2: {"likes": 1, "comments": 0}}


async def test_many_changes_at_once_count_each_that_is_new(redis: Redis, tables: Tables) -> None:
    likes = counters(redis, tables)
    await likes.apply(1, "likes", 1, "a")
    assert await likes.apply_many(1, "likes", {"a": 1, "b": 1, "c": 1, "d": -1}) == {"likes": 2, "comments": 0}
    assert await likes.apply_many(1, "likes", {"c": 1, "d": -1}) == {"likes": 2, "comments": 0}
    assert await likes.flush() == 1
    assert tables.saved[1] == {"likes": 2, "comments": 0}


async def test_the_hot_client_reads_the_same_numbers(
    redis: Redis, tables: Tables, make_settings: MakeSettings, redis_url: str
) -> None:
    likes = counters(redis, tables)
    await likes.apply(1, "likes", 1, "a")
    await likes.apply(1, "comments", 3, "b")
    await likes.apply(2, "likes", -1, "c")
    tables.saved[3] = {"likes": 7, "comments": 0}
    async with open_hot_redis(make_settings(RedisSettings, redis_url=redis_url)) as hot:
        read = Counters(redis, "test:counts", ("likes", "comments"), tables.load, tables.save, tables.count, hot=hot)
        found = await read.get([1, 2, 3, 4])
    assert found == await likes.get([1, 2, 3, 4])
    assert [found[each]["likes"] for each in (1, 2, 3, 4)] == [1, 0, 7, 0]


async def test_a_flush_saves_what_changed(redis: Redis, tables: Tables) -> None:
    likes = counters(redis, tables)
    await asyncio.gather(*(likes.apply(n % 3, "likes", 1, str(n)) for n in range(60)))
    assert await likes.flush() == 3
    assert tables.saved == {n: {"likes": 20, "comments": 0} for n in range(3)}
    assert await likes.flush() == 0


async def test_a_failed_save_is_done_by_the_next_flush(redis: Redis, tables: Tables) -> None:
    likes = counters(redis, tables)
    await likes.apply(1, "likes", 1, "a")
    save, tables.save = tables.save, fail
    with pytest.raises(ConnectionError):
        await counters(redis, tables).flush()
    tables.save = save
    assert await counters(redis, tables).flush() == 1
    assert tables.saved[1]["likes"] == 1


async def fail(numbers: Mapping[int, Mapping[str, int]]) -> None:
    raise ConnectionError


async def test_a_change_during_a_flush_is_saved_by_the_next(redis: Redis, tables: Tables) -> None:
    likes = counters(redis, tables)
    await likes.apply(1, "likes", 1, "a")

    async def save_slowly(numbers: Mapping[int, Mapping[str, int]]) -> None:
        await Tables.save(tables, numbers)
        if numbers[1]["likes"] == 1:
            await likes.apply(1, "likes", 1, "b")

    slow = Counters(redis, "test:counts", ("likes", "comments"), tables.load, save_slowly, tables.count)
    await slow.flush()
    assert tables.saved[1]["likes"] == 2


async def test_numbers_that_redis_lost_come_back(redis: Redis, tables: Tables) -> None:
    likes = counters(redis, tables)
    await likes.apply(1, "likes", 1, "a")
    await likes.flush()
    tables.rows[1]["likes"] = 2  # one more than was ever saved
    await redis.flushdb()
    assert (await likes.get([1]))[1]["likes"] == 1
    await likes.reconcile()
    assert (await likes.get([1]))[1]["likes"] == 2
    await likes.flush()
    assert tables.saved[1]["likes"] == 2


async def test_a_change_told_again_after_a_loss_is_corrected(redis: Redis, tables: Tables) -> None:
    likes = counters(redis, tables)
    tables.like(1)
    await likes.apply(1, "likes", 1, "a")
    await likes.flush()
    await redis.flushdb()
    await likes.apply(1, "likes", 1, "a")
    await likes.reconcile()
    assert (await likes.get([1]))[1]["likes"] == 1


async def test_drift_is_corrected_and_shown(redis: Redis, tables: Tables) -> None:
    likes = counters(redis, tables, name="test:drift")
    tables.rows[1]["likes"] = 5
    await likes.apply(1, "likes", 1, "a")
    before = drift("test:drift")
    await likes.reconcile()
    assert await likes.get([1]) == {1: {"likes": 5, "comments": 0}}
    assert drift("test:drift") - before == 4


async def test_what_is_asked_for_is_compared_though_nothing_changed(redis: Redis, tables: Tables) -> None:
    likes = counters(redis, tables, quiet=60)
    await likes.apply(1, "likes", 1, "a")
    tables.rows[1]["likes"], tables.rows[2]["likes"] = 5, 7
    assert await likes.reconcile() == 0
    await likes.recheck([1, 2])
    assert await likes.reconcile() == 2
    assert {each: numbers["likes"] for each, numbers in (await likes.get([1, 2])).items()} == {1: 5, 2: 7}


async def test_a_change_that_arrives_while_it_is_compared_is_no_drift(redis: Redis, tables: Tables) -> None:
    likes = counters(redis, tables, name="test:race")
    tables.like(1)
    await likes.apply(1, "likes", 1, "a")
    arriving: list[asyncio.Task[dict[str, int]]] = []

    def commit_another() -> None:
        if not arriving:
            tables.like(1)
            arriving.append(asyncio.create_task(likes.apply(1, "likes", 1, "b")))

    tables.on_count = commit_another
    before = drift("test:race")
    await likes.reconcile()
    await asyncio.gather(*arriving)
    assert (await likes.get([1]))[1]["likes"] == 2
    assert drift("test:race") == before


async def test_what_is_not_quiet_yet_is_not_compared(redis: Redis, tables: Tables) -> None:
    likes = counters(redis, tables, quiet=60)
    await likes.apply(1, "likes", 1, "a")
    assert await likes.reconcile() == 0


async def test_without_redis_reads_are_served_from_what_was_saved(no_redis: Redis, tables: Tables) -> None:
    tables.saved[1] = {"likes": 3, "comments": 1}
    likes = counters(no_redis, tables)
    assert await likes.get([1, 2]) == {1: {"likes": 3, "comments": 1}, 2: {"likes": 0, "comments": 0}}
    with pytest.raises(RedisError):
        await likes.apply(1, "likes", 1, "a")


async def test_the_tasks_save_and_correct_by_themselves(redis: Redis, tables: Tables) -> None:
    likes = counters(redis, tables)
    tables.rows[1]["likes"] = 2
    tasks = [asyncio.create_task(run()) for run in (likes.run_flush, likes.run_reconcile)]
    await likes.apply(1, "likes", 1, "a")

    async def healed() -> bool:
        return tables.saved.get(1, {}).get("likes") == 2

    await eventually(healed)
    for task in tasks:
        task.cancel()


async def test_numbers_are_never_shown_negative(redis: Redis, tables: Tables) -> None:
    likes = counters(redis, tables)
    assert (await likes.apply(1, "likes", -1, "b"))["likes"] == 0
    assert (await likes.apply(1, "likes", 1, "a"))["likes"] == 0
