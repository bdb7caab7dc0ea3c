"""One suite for the warm timelines in Redis and for their fake, and what only Redis can do wrong."""

import asyncio
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime

import pytest
from feed_service.model import TOP, Chunk, Entry, Slice, pack
from feed_service.service.ports import Warm
from feed_service.store import ChunkRows, HomeRows, Patience, ViewsAtHand, WarmTimelines
from kit.errors import Unavailable
from kit.hotredis import open_hot_redis
from kit.ids import first_at
from kit.redis import open_redis
from kit.settings import RedisSettings
from kit.testing import MakeSettings
from redis.asyncio import Redis

from services.feed.tests.conftest import patience
from services.feed.tests.fakes import FakeWarm

CAP = 5
AUTHOR = first_at(datetime(2024, 5, 1, tzinfo=UTC))
VIEWER, OTHER = AUTHOR + 1, AUTHOR + 2


class Real(WarmTimelines):
    """With what reads it."""

    views: ViewsAtHand


@pytest.fixture
async def warm(redis: Redis, redis_url: str, make_settings: MakeSettings) -> AsyncGenerator[Real]:
    async with open_hot_redis(make_settings(RedisSettings, redis_url=redis_url)) as hot:
        made = Real(redis, patience("REDIS"), cap=CAP)
        made.views = ViewsAtHand(hot, now=lambda: datetime.now(UTC))
        yield made


@pytest.fixture(params=["fake", "real"])
def any_warm(request: pytest.FixtureRequest) -> Warm:
    return FakeWarm(CAP) if request.param == "fake" else request.getfixturevalue("warm")


def entries(*posts: int) -> list[Entry]:
    return [Entry(post, AUTHOR) for post in posts]


async def build(warm: Warm, rows: Slice, user_id: int = VIEWER) -> None:
    mark = await warm.begin(user_id)
    assert mark is not None
    assert await warm.finish(user_id, mark, rows)


async def push(warm: Warm, *posts: int) -> None:
    for entry in entries(*posts):
        await warm.push(entry, pack([VIEWER, OTHER]))


async def slice_of(warm: Warm, before: int = TOP, limit: int = 10) -> Slice | None:
    """As store/views.py reads it."""
    if isinstance(warm, FakeWarm):
        return warm.read(VIEWER, before, limit)
    assert isinstance(warm, Real)
    return (await warm.views.glance(VIEWER, before, limit, b"")).timeline


async def whole(warm: Warm, before: int = TOP, limit: int = 10) -> tuple[list[int], int | None] | None:
    found = await slice_of(warm, before, limit)
    return found and ([entry.post_id for entry in found.entries], found.floor)


async def test_a_timeline_that_was_not_built_is_cold_and_stays_cold_when_pushed_to(any_warm: Warm) -> None:
    await push(any_warm, 10)

    assert await whole(any_warm) is None


async def test_what_was_built_and_what_is_pushed_comes_newest_first(any_warm: Warm) -> None:
    await build(any_warm, Slice(entries(30, 10), floor=5))
    await push(any_warm, 20, 40)

    assert await whole(any_warm) == ([40, 30, 20, 10], 5)
    assert await whole(any_warm, limit=2) == ([40, 30], None)
    assert await whole(any_warm, before=30) == ([20, 10], 5)


async def test_pushing_again_changes_nothing(any_warm: Warm) -> None:
    await build(any_warm, Slice(entries(30), floor=5))
    await push(any_warm, 40, 40, 30)

    assert await whole(any_warm) == ([40, 30], 5)


async def test_an_empty_timeline_can_be_warm(any_warm: Warm) -> None:
    await build(any_warm, Slice([], floor=5))

    assert await whole(any_warm) == ([], 5)


async def test_it_is_cut_at_the_cap_and_then_does_not_say_that_it_is_complete(any_warm: Warm) -> None:
    await build(any_warm, Slice(entries(30, 20), floor=5))
    await push(any_warm, 40, 50, 60, 70)

    assert await whole(any_warm) == ([70, 60, 50, 40, 30], None)


@pytest.mark.parametrize("late", [4, 25])
async def test_a_late_post_below_what_is_known_is_left_out(any_warm: Warm, late: int) -> None:
    complete = Slice(entries(60), floor=10) if late == 4 else Slice(entries(70, 60, 50, 40, 30))
    await build(any_warm, complete)
    before = await whole(any_warm)

    await push(any_warm, late)

    assert await whole(any_warm) == before


async def test_what_is_pushed_while_it_is_built_is_not_lost(any_warm: Warm) -> None:
    mark = await any_warm.begin(VIEWER)
    assert mark is not None
    await push(any_warm, 40)

    assert await whole(any_warm) is None, "nobody reads half a timeline"
    assert await any_warm.finish(VIEWER, mark, Slice(entries(30), floor=5))
    assert await whole(any_warm) == ([40, 30], 5)


async def test_only_one_builds_at_a_time(any_warm: Warm) -> None:
    assert await any_warm.begin(VIEWER)
    assert await any_warm.begin(VIEWER) is None
    assert await any_warm.begin(OTHER)


async def test_a_build_that_was_dropped_comes_to_nothing(any_warm: Warm) -> None:
    mark = await any_warm.begin(VIEWER)
    assert mark is not None
    await any_warm.drop(VIEWER)

    assert not await any_warm.finish(VIEWER, mark, Slice(entries(30), floor=5))
    assert await whole(any_warm) is None


async def test_a_dropped_timeline_is_cold(any_warm: Warm) -> None:
    await build(any_warm, Slice(entries(30), floor=5))
    await any_warm.drop(VIEWER)

    assert await whole(any_warm) is None


async def test_ids_above_2_to_the_53_keep_their_order(warm: Real) -> None:
    posts = [AUTHOR + step for step in (5, 3, 4, 1, 2)]
    await build(warm, Slice([], floor=AUTHOR - 1))
    await push(warm, *posts)

    assert await whole(warm) == (sorted(posts, reverse=True), None)


async def test_a_warm_timeline_lives_for_thirty_days_after_its_last_read(warm: Real, redis: Redis) -> None:
    await build(warm, Slice(entries(30), floor=5))
    key = f"feed:home:{{{VIEWER:016x}}}"
    await redis.expire(key, 60)

    await push(warm, 40)
    assert await redis.ttl(key) <= 60

    await whole(warm)
    assert await redis.ttl(key) > 29 * 24 * 3600


async def test_a_build_whose_builder_died_ends_by_itself(warm: Real, redis: Redis) -> None:
    await warm.begin(VIEWER)

    assert 0 < await redis.ttl(f"feed:home:{{{VIEWER:016x}}}:build") <= 10


async def test_building_beside_a_fan_out_loses_nothing(warm: Real, home: HomeRows, rows: ChunkRows) -> None:
    """Readers build and drop while posts arrive: whoever finds the timeline warm finds all that was pushed by then."""
    pushed = [0]

    async def fan_out() -> None:
        for entry in entries(*range(1, 61)):
            chunk = Chunk(entry, pack([VIEWER, OTHER]), entry.post_id)
            await rows.write(chunk)
            await warm.push(entry, chunk.followers)
            pushed[0] = entry.post_id

    async def read() -> int:
        reads = 0
        while not fanning.done():
            newest = pushed[0]
            found = await slice_of(warm, TOP, CAP)
            if found is not None:
                posts = [entry.post_id for entry in found.entries]
                reads += 1
                assert (posts or [0])[0] >= newest
                assert posts == list(range(posts[0], posts[0] - len(posts), -1)) if posts else newest == 0
                await warm.drop(VIEWER)
            await read_rows()
        return reads

    async def read_rows() -> None:
        mark = await warm.begin(VIEWER)
        found = await home.slice(VIEWER, TOP, 0, CAP)
        if mark:
            await warm.finish(VIEWER, mark, Slice(found, floor=0 if len(found) < CAP else None))

    fanning = asyncio.create_task(fan_out())
    _, *reads = await asyncio.gather(fanning, read(), read())

    assert sum(reads) > 10


async def test_an_outage_is_a_miss_to_readers_and_an_error_to_the_fan_out(make_settings: MakeSettings) -> None:
    async with open_redis(make_settings(RedisSettings, redis_url="redis://127.0.0.1:1/0")) as nowhere:
        warm = WarmTimelines(nowhere, Patience("REDIS", seconds=2, rest=60, clock=time.monotonic), cap=CAP)

        assert await warm.begin(VIEWER) is None
        with pytest.raises(Unavailable, match="REDIS_UNAVAILABLE"):
            await push(warm, 10)
        with pytest.raises(Unavailable, match="REDIS_UNAVAILABLE"):
            await warm.drop(VIEWER)
