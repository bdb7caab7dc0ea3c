"""Fan-out processes that come and go while a post is being pushed."""

import asyncio
import signal
from contextlib import AsyncExitStack

from kit.cassandra import Cassandra
from kit.testing import eventually

from services.feed.tests.contract.system import System

FOLLOWERS = 12_000
POSTS = 3


async def test_workers_that_join_and_leave_in_the_middle_of_pushes_lose_nothing(
    system: System, cassandra: Cassandra
) -> None:
    author, *followers = (system.next_id() for _ in range(FOLLOWERS + 1))
    system.graph.follows |= {(follower, author) for follower in followers}
    posts: list[int] = []
    slow = {
        "HELIOGRAPH_FANOUT_PAGE": "2000",
        "HELIOGRAPH_FANOUT_SMALL_BATCHES": "1",
        "HELIOGRAPH_FANOUT_LARGE_BATCHES": "1",
    }

    async def written() -> int:
        counts = await asyncio.gather(
            *(
                cassandra.execute("SELECT count(*) FROM home_timeline WHERE post_id = ? ALLOW FILTERING", (post,))
                for post in posts
            )
        )
        return sum(count[0].count for count in counts)

    async def some_more() -> bool:
        nonlocal before
        now = await written()
        moved, before = now > before, now
        return moved

    async def is_ready() -> bool:
        """The log begins anew with each process."""
        return b'"event": "ready"' in (system.logs / "fanout.log").read_bytes()

    before = 0
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(system.process("fanout", **slow))
        posts += [await system.publish(author) for _ in range(POSTS)]
        await eventually(some_more, timeout=60)
        joined = await stack.enter_async_context(system.process("fanout", **slow))
        await eventually(is_ready, timeout=60)
        await eventually(some_more, timeout=60)
        joined.send_signal(signal.SIGTERM)
        assert await joined.wait() == 0
        killed = await stack.enter_async_context(system.process("fanout", **slow))
        await asyncio.sleep(1)  # it may have joined or not when it dies
        killed.kill()

        async def all_of_it() -> bool:
            return await written() == POSTS * (FOLLOWERS + 1)

        await eventually(all_of_it, timeout=120)
