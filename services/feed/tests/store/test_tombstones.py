"""What a read has to pass of what was removed, as Cassandra itself tells."""

import asyncio
import re
from typing import Any

from feed_service.model import TOP, Entry, oldest_kept, unfollowed_at_us
from feed_service.service.follows import Follows
from feed_service.store import AuthorMarks, AuthorRows, HomeRows, WarmTimelines
from kit.cassandra import Cassandra

from services.feed.tests.fakes import Clock, FakeTasks

AUTHORS, POSTS = 12, 100
MOST = 500 + POSTS  # removed one by one, and the last unfollow
SLICE = "SELECT post_id, author_id FROM home_timeline WHERE user_id = ? AND post_id < ? AND post_id >= ? LIMIT ?"


async def passed(cassandra: Cassandra, *values: int) -> tuple[int, int]:
    """Live rows and tombstones that one slice met."""
    statement = await cassandra.prepare(SLICE)

    def trace() -> list[str]:
        answer: Any = cassandra.session.execute(statement, values, trace=True)
        return [event.description for event in answer.get_query_trace(max_wait_sec=30).events]

    told = " ".join(await asyncio.to_thread(trace))
    found = re.search(r"Read (\d+) live rows and (\d+) tombstone", told)
    assert found, told
    return int(found[1]), int(found[2])


async def test_reads_pass_few_tombstones_however_much_was_unfollowed_and_deleted(
    cassandra: Cassandra,
    home: HomeRows,
    authors: AuthorRows,
    marks: AuthorMarks,
    warm: WarmTimelines,
    clock: Clock,
) -> None:
    reader = clock.next_id()
    followees = [clock.next_id() for _ in range(AUTHORS)]
    for _ in range(POSTS):
        for author in followees:
            await authors.add(Entry(clock.next_id(), author), 1)
    follows = Follows(home, warm, authors, marks, FakeTasks(), now=clock.now)
    for author in followees:
        await follows.followed(reader, author, clock.next_id())
    clock.tick()
    worst = 0
    for author in followees[1:]:
        for _ in range(7):  # a minute, as nobody unfollows so many at once
            clock.tick()
        await follows.unfollowed(reader, author, clock.next_id())
        worst = max(worst, (await passed(cassandra, reader, TOP, oldest_kept(clock.now()), POSTS))[1])

    assert 0 < worst <= MOST
    assert await home.complete_from(reader) is None, "emptied, and to be built anew"
    kept = await authors.slice(followees[0], TOP, POSTS)
    for entry in kept[: POSTS // 2]:
        await authors.remove(entry, unfollowed_at_us(clock.next_id()))
    assert len(await authors.slice(followees[0], TOP, POSTS)) == POSTS // 2
