"""Beginnings of lists that processes share in Redis."""

from collections.abc import AsyncGenerator, Sequence

import pytest
from feed_service.model import NEWEST_KEPT, TOP, Entry
from feed_service.store import SharedTops
from kit.hotredis import HotRedis, open_hot_redis
from kit.settings import RedisSettings
from kit.testing import MakeSettings
from redis.asyncio import Redis


class Lists:
    """What a load finds, and how often one was made."""

    def __init__(self, number: int) -> None:
        self.entries = [Entry(post_id, 7) for post_id in range(number, 0, -1)]
        self.loads: list[tuple[object, int, int]] = []

    async def slice(self, key: object, before: int, limit: int) -> Sequence[Entry]:
        self.loads.append((key, before, limit))
        return [entry for entry in self.entries if entry.post_id < before][:limit]


@pytest.fixture
async def hot(redis_url: str, make_settings: MakeSettings) -> AsyncGenerator[HotRedis]:
    async with open_hot_redis(make_settings(RedisSettings, redis_url=redis_url)) as opened:
        yield opened


@pytest.mark.parametrize("number", [0, 1, 20, NEWEST_KEPT + 5])
async def test_what_one_process_loaded_the_next_need_not(hot: HotRedis, number: int) -> None:
    lists = Lists(number)
    one, other = (SharedTops(hot, seconds=60).shared("author", lists.slice) for _ in range(2))

    assert await one(7, TOP, 21) == lists.entries[:21]
    assert await other(7, TOP, 3) == lists.entries[:3]
    assert await other(7, TOP, NEWEST_KEPT) == lists.entries[:NEWEST_KEPT]
    assert lists.loads == [(7, TOP, NEWEST_KEPT)]


async def test_what_lies_below_and_longer_parts_are_loaded(hot: HotRedis) -> None:
    lists = Lists(500)
    shared = SharedTops(hot, seconds=60).shared("author", lists.slice)
    assert await shared(7, 400, 2) == lists.entries[101:103]
    assert len(await shared(7, TOP, NEWEST_KEPT + 1)) == NEWEST_KEPT + 1
    assert lists.loads == [(7, 400, 2), (7, TOP, NEWEST_KEPT + 1)]


async def test_kinds_and_keys_are_told_apart(hot: HotRedis) -> None:
    tops, few, many = SharedTops(hot, seconds=60), Lists(1), Lists(2)
    by_author, by_tag = tops.shared("author", few.slice), tops.shared("tag", many.slice)
    assert [len(await ask("7", TOP, 9)) for ask in (by_author, by_tag)] == [1, 2]
    assert len(await by_tag("8", TOP, 9)) == 2
    assert len(many.loads) == 2


async def test_a_list_is_kept_for_a_moment_only(hot: HotRedis, redis: Redis) -> None:
    lists = Lists(3)
    await SharedTops(hot, seconds=60).shared("author", lists.slice)(7, TOP, 2)
    assert 0 < await redis.pttl("feed:top:author:{7}") <= 60_000
    await redis.delete("feed:top:author:{7}")
    await SharedTops(hot, seconds=0).shared("author", lists.slice)(7, TOP, 2)
    assert not await redis.exists("feed:top:author:{7}")


async def test_without_redis_lists_are_loaded(make_settings: MakeSettings) -> None:
    lists = Lists(3)
    async with open_hot_redis(make_settings(RedisSettings, redis_url="redis://127.0.0.1:1/0")) as away:
        assert await SharedTops(away, seconds=60).shared("author", lists.slice)(7, TOP, 2) == lists.entries[:2]
