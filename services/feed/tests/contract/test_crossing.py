"""Authors crossing the threshold and accounts that go idle and return, with the service's own processes."""

import asyncio
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Awaitable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest_asyncio
from feed_service.model import micros, pack
from feed_service.store import IdleAccounts
from kit.cassandra import Cassandra
from kit.redis import open_redis
from kit.settings import RedisSettings
from kit.testing import MakeSettings, eventually
from redis.asyncio import Redis

from services.feed.tests.conftest import patience
from services.feed.tests.contract.system import Reader, System
from services.feed.tests.fakes import Clock

FOLLOWERS = 90  # more than two pages


@pytest_asyncio.fixture
async def redis(redis_url: str, make_settings: MakeSettings) -> AsyncGenerator[Redis]:
    async with open_redis(make_settings(RedisSettings, redis_url=redis_url)) as opened:
        yield opened


async def rows(cassandra: Cassandra, user_id: int) -> list[int]:
    found = await cassandra.execute("SELECT post_id FROM home_timeline WHERE user_id = ?", (user_id,))
    return [row.post_id for row in found]


def fanout(system: System, threshold: int) -> AbstractAsyncContextManager[Process]:
    return system.process("fanout", HELIOGRAPH_FANOUT_THRESHOLD=str(threshold), HELIOGRAPH_FANOUT_REVIEW_SECONDS="0.2")


@asynccontextmanager
async def reading(feed: Reader, followers: list[int], posts: list[int]) -> AsyncGenerator[None]:
    """Meanwhile every read has every post that was there when it began."""
    over = asyncio.Event()

    async def read() -> None:
        turn = 0
        while not over.is_set():
            before = list(posts)
            found = await feed.read(followers[turn % len(followers)])
            assert [post for post in found if post in before] == before
            turn += 1

    async with asyncio.TaskGroup() as group:
        group.create_task(read())
        yield
        over.set()


async def test_no_feed_changes_while_an_author_is_merged_and_pushed_again(system: System, cassandra: Cassandra) -> None:
    author, *followers = (system.next_id() for _ in range(FOLLOWERS + 1))
    system.graph.follows |= {(follower, author) for follower in followers}
    last = followers[-1]
    posts: list[int] = []

    async def publish(feed: Reader) -> None:
        posts_now = [await system.publish(author), *posts]
        for follower in (followers[0], last):
            await eventually(lambda reader=follower: feed.shows(reader, posts_now), timeout=60)
        posts[:] = posts_now

    async def mark() -> object:
        found = await cassandra.execute("SELECT since_us FROM pulled_author WHERE shard = 0")
        return found and found[0].since_us

    async with system.serving() as feed:
        async with fanout(system, 10):
            await publish(feed)
            assert await eventually(mark, timeout=30)
            assert await eventually(lambda: _is_rows(cassandra, last, posts), timeout=30), "pushed in the first moments"
            since = micros(datetime.now(UTC) - timedelta(hours=2))
            await cassandra.execute(
                f"UPDATE pulled_author SET since_us = {since} WHERE shard = 0 AND author_id = {author} IF EXISTS"
            )
            await publish(feed)
            assert await rows(cassandra, last) == posts[1:], "merged, and pushed no more"

        async with reading(feed, followers, posts), fanout(system, 1_000):
            await eventually(lambda: _no_mark(mark()), timeout=60)
            for follower in (followers[0], last):
                assert await rows(cassandra, follower) == posts
            await publish(feed)
            await eventually(lambda: _is_rows(cassandra, last, posts), timeout=30)


async def test_who_does_not_read_gets_no_rows_and_finds_everything_on_return(
    system: System, cassandra: Cassandra, redis: Redis
) -> None:
    author, reader, sleeper = (system.next_id() for _ in range(3))
    system.graph.follows |= {(reader, author), (sleeper, author)}
    posts: list[int] = []
    async with system.serving() as feed:
        assert await feed.read(reader) == []
        long_ago = micros(datetime.now(UTC) - timedelta(days=40))
        built = f"UPDATE home_state USING TIMESTAMP {long_ago} SET complete_from = 1 WHERE user_id = {sleeper}"
        await cassandra.execute(built)
        async with system.process("fanout"):
            await eventually(lambda: _is_member(redis, sleeper), timeout=60)
            for _ in range(3):
                posts.insert(0, await system.publish(author))
            await eventually(lambda: _is_rows(cassandra, reader, posts), timeout=60)
            assert await rows(cassandra, sleeper) == []

            assert await feed.read(sleeper) == posts, "at the first read"

            assert not await _is_member(redis, sleeper)
            posts.insert(0, await system.publish(author))
            await eventually(lambda: _is_rows(cassandra, sleeper, posts), timeout=60)
            assert await feed.read(sleeper) == posts


async def _is_rows(cassandra: Cassandra, user_id: int, posts: list[int]) -> bool:
    return await rows(cassandra, user_id) == posts


async def _no_mark(mark: Awaitable[object]) -> bool:
    return not await mark


async def _is_member(redis: Redis, user_id: int) -> bool:
    return not await IdleAccounts(redis, patience("REDIS"), now=Clock().now).awake(pack([user_id]))
