"""Servers that are away, workers that die."""

import asyncio
import signal
from collections.abc import AsyncGenerator, Awaitable
from pathlib import Path

import pytest
from kit.cassandra import Cassandra
from kit.errors import Unavailable
from kit.testing import eventually

from services.feed.tests.contract.system import System

FOLLOWERS = 130


async def test_a_worker_killed_in_the_middle_of_a_fan_out_leaves_one_row_for_every_follower(
    system: System, cassandra: Cassandra, tmp_path: Path
) -> None:
    author, *followers = (system.next_id() for _ in range(FOLLOWERS + 1))
    system.graph.follows |= {(follower, author) for follower in followers}
    post = await system.publish(author)

    async def rows() -> list[int]:
        found = await cassandra.execute("SELECT user_id, post_id FROM home_timeline")
        assert {row.post_id for row in found} <= {post}
        return sorted(row.user_id for row in found)

    async with system.process("fanout", HELIOGRAPH_FAULT=f"fanout_mid_batch:{tmp_path / 'died'}") as worker:
        assert await worker.wait() == -signal.SIGKILL
    assert 0 < len(await rows()) < FOLLOWERS

    async with system.process("fanout"), system.serving() as feed:
        await eventually(lambda: _is(rows(), [author, *followers]), timeout=60)
        for follower in followers[::40]:
            assert await feed.read(follower) == [post]


@pytest.fixture
async def silent_server() -> AsyncGenerator[str]:
    """Takes connections and says nothing."""

    async def ignore(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(ignore, "127.0.0.1", 0)
    yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()


@pytest.mark.parametrize("kind", ["refuses", "is silent"])
async def test_without_cassandra_the_page_is_pulled_from_the_authors(
    system: System, kind: str, silent_server: str
) -> None:
    author, follower = system.next_id(), system.next_id()
    system.graph.follows.add((follower, author))
    posts = [await system.publish(author) for _ in range(3)]

    away = "127.0.0.1:1" if kind == "refuses" else silent_server
    async with system.serving(HELIOGRAPH_CASSANDRA_CONTACT_POINTS=away) as feed:
        page = await feed.page(follower, size=2)
        rest = await feed.page(follower, size=2, token=page.next_page_token)

    assert [post.id for post in page.posts] + [post.id for post in rest.posts] == posts[::-1]
    assert page.degraded
    assert rest.degraded


async def test_without_redis_posts_still_reach_followers(system: System) -> None:
    nowhere = "redis://127.0.0.1:1/0"
    author, follower = system.next_id(), system.next_id()
    await system.follow(follower, author)
    async with (
        system.process("fanout", HELIOGRAPH_REDIS_URL=nowhere),
        system.serving(HELIOGRAPH_REDIS_URL=nowhere) as feed,
    ):
        assert await feed.read(follower) == []
        post = await system.publish(author)

        await eventually(lambda: feed.shows(follower, [post]), timeout=30)
        assert not (await feed.page(follower)).degraded


async def test_a_warm_timeline_gets_what_redis_missed(system: System) -> None:
    author, follower = system.next_id(), system.next_id()
    await system.follow(follower, author)
    async with system.serving() as feed:
        assert await feed.read(follower) == []  # warm from now on
        post = await system.publish(author)
        async with system.process("fanout", HELIOGRAPH_REDIS_URL="redis://127.0.0.1:1/0"):
            async with system.serving(HELIOGRAPH_REDIS_URL="redis://127.0.0.1:1/0") as other:
                await eventually(lambda: other.shows(follower, [post]), timeout=30)
            assert await feed.read(follower) == []

        async with system.process("fanout"):
            await eventually(lambda: feed.shows(follower, [post]), timeout=30)


@pytest.mark.parametrize("peer", ["GRAPH", "POST"])
async def test_without_graph_or_post_the_caller_hears_that_it_is_unavailable(system: System, peer: str) -> None:
    viewer = system.next_id()
    await system.publish(viewer)
    system.graph.follows.add((viewer, system.next_id()))

    async with system.serving(**{f"HELIOGRAPH_{peer}_TARGET": "127.0.0.1:1"}) as feed:
        with pytest.raises(Unavailable, match=f"{peer}_UNAVAILABLE"):
            await feed.page(viewer)


async def _is(found: Awaitable[list[int]], wanted: list[int]) -> bool:
    return await found == sorted(wanted)
