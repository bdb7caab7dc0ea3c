"""Timelines that go for good, on the real stores."""

from collections.abc import AsyncGenerator, Sequence

import pytest
import pytest_asyncio
from feed_service.model import TOP, Chunk, Entry, Lane, Plan, Slice, followed_at_us, micros, pack
from feed_service.model.crossing import Backfill
from feed_service.service import Erasure, Follows, Push
from feed_service.store import (
    AuthorMarks,
    AuthorRows,
    ChunkRows,
    ErasedRows,
    HomeRows,
    IdleAccounts,
    ViewsAtHand,
    WarmTimelines,
)
from kit.cassandra import Cassandra
from kit.hotredis import open_hot_redis
from kit.settings import RedisSettings
from kit.testing import MakeSettings
from redis.asyncio import Redis

from services.feed.tests.conftest import patience
from services.feed.tests.fakes import Clock

TABLES = ("home_timeline", "home_state", "author_timeline", "pulled_author")


class NoTasks:
    async def emit(self, lane: Lane, tasks: Sequence[Plan | Chunk | Backfill]) -> None:
        raise AssertionError("nothing is late here")


class World:
    """Ann and Bob follow each other and both have posted; both have read their feeds."""

    def __init__(
        self,
        cassandra: Cassandra,
        home: HomeRows,
        authors: AuthorRows,
        marks: AuthorMarks,
        warm: WarmTimelines,
        idle: IdleAccounts,
        views: ViewsAtHand,
        rows: ChunkRows,
        clock: Clock,
    ) -> None:
        self.cassandra, self.home, self.authors, self.warm, self.clock = cassandra, home, authors, warm, clock
        self.marks, self.idle = marks, idle
        erased = ErasedRows(cassandra, patience("CASSANDRA"))
        self.erasure = Erasure(erased, home, authors, marks, warm, views, idle)
        self.push = Push(Lane.SMALL, rows, warm, idle, erased, NoTasks(), now=clock.now)
        self.follows = Follows(home, warm, authors, marks, NoTasks(), now=clock.now)
        self.ann, self.bob, self.cid = (clock.next_id() for _ in range(3))
        self.by_ann, self.by_bob = Entry(clock.next_id(), self.ann), Entry(clock.next_id(), self.bob)

    async def publish(self, entry: Entry) -> None:
        at_us = micros(self.clock.now())
        await self.authors.add(entry, at_us)
        await self.push.write(Chunk(entry, pack([self.ann, self.bob, self.cid]), at_us))

    async def begin(self) -> None:
        for user_id in (self.ann, self.bob):
            await self.home.set_complete_from(user_id, 1, micros(self.clock.now()))
            build = await self.warm.begin(user_id)
            assert build
            await self.warm.finish(user_id, build, Slice((), 1))
        await self.marks.mark(self.ann, micros(self.clock.now()))
        await self.idle.add([self.ann], 1 << 62)
        await self.publish(self.by_ann)
        await self.publish(self.by_bob)

    async def everything(self) -> str:
        return "\n".join([str(await self.cassandra.execute(f"select * from {table}")) for table in TABLES])


@pytest_asyncio.fixture
async def views(redis_url: str, make_settings: MakeSettings, clock: Clock) -> AsyncGenerator[ViewsAtHand]:
    async with open_hot_redis(make_settings(RedisSettings, redis_url=redis_url)) as hot:
        yield ViewsAtHand(hot, now=clock.now)


@pytest.fixture
async def world(
    cassandra: Cassandra,
    home: HomeRows,
    authors: AuthorRows,
    marks: AuthorMarks,
    warm: WarmTimelines,
    idle: IdleAccounts,
    views: ViewsAtHand,
    rows: ChunkRows,
    clock: Clock,
) -> World:
    made = World(cassandra, home, authors, marks, warm, idle, views, rows, clock)
    await made.begin()
    return made


async def unfollow(world: World) -> None:
    """What graph tells when it takes the follows of the account away."""
    for user_id in (world.bob, world.cid):
        await world.follows.unfollowed(user_id, world.ann, world.clock.next_id())


async def test_an_erasure_leaves_nothing_of_the_account_and_all_of_others(world: World, redis: Redis) -> None:
    assert str(world.ann) in await world.everything()
    assert await world.erasure.erase(world.ann) > 0
    await unfollow(world)
    assert str(world.ann) not in await world.everything()
    assert not [key for key in await redis.keys() if f"{world.ann:016x}" in str(key)]
    assert await world.home.slice(world.bob, TOP, 0, 10) == [world.by_bob]
    assert await world.authors.slice(world.bob, TOP, 10) == [world.by_bob]
    assert await world.idle.awake(pack([world.ann])) == pack([world.ann])
    assert await world.erasure.erase(world.ann) == 0


async def test_what_is_told_late_brings_nothing_back(world: World, redis: Redis) -> None:
    told_before = micros(world.clock.now())
    await world.erasure.erase(world.ann)
    await unfollow(world)
    await world.warm.begin(world.cid)
    late = Entry(world.clock.next_id(), world.ann)
    await world.authors.add(late, told_before)
    await world.push.write(Chunk(late, pack([world.ann, world.bob, world.cid]), told_before))
    await world.push.warm_up(Chunk(late, pack([world.cid]), told_before))
    await world.follows.followed(world.bob, world.ann, world.clock.next_id())
    await world.home.add(world.ann, [world.by_bob], followed_at_us(world.by_bob.post_id))
    assert str(world.ann) not in await world.everything()
    assert f"{world.ann:016x}" not in str([await redis.zrange(key, 0, -1) for key in await redis.keys()])
