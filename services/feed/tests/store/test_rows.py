"""One suite for the rows in Cassandra and for their fakes."""

from datetime import UTC, datetime

import pytest
from feed_service.model import TOP, Chunk, Entry, pack
from feed_service.service.ports import Authors, Home
from feed_service.store import ChunkRows, HomeRows
from kit.cassandra import Cassandra
from kit.ids import first_at

from services.feed.tests.fakes import Clock, FakeAuthors, FakeHome

AUTHOR = first_at(datetime(2024, 5, 1, tzinfo=UTC))
OTHER = AUTHOR + 1
VIEWER = AUTHOR + 2


@pytest.fixture(params=["fake", "real"])
def any_home(request: pytest.FixtureRequest) -> Home:
    return FakeHome() if request.param == "fake" else request.getfixturevalue("home")


@pytest.fixture(params=["fake", "real"])
def any_authors(request: pytest.FixtureRequest) -> Authors:
    return FakeAuthors() if request.param == "fake" else request.getfixturevalue("authors")


def entries(*posts: int, author: int = AUTHOR) -> list[Entry]:
    return [Entry(post, author) for post in posts]


async def all_of(home: Home, user_id: int = VIEWER) -> list[Entry]:
    return list(await home.slice(user_id, TOP, 0, 1000))


async def test_a_slice_is_newest_first_between_its_bounds(any_home: Home) -> None:
    await any_home.add(VIEWER, entries(10, 30, 20, 50, 40), 1)

    assert await any_home.slice(VIEWER, 50, 20, 10) == entries(40, 30, 20)
    assert await any_home.slice(VIEWER, 50, 20, 2) == entries(40, 30)
    assert await any_home.slice(OTHER, TOP, 0, 10) == []


async def test_a_timeline_was_never_built_until_it_was(any_home: Home) -> None:
    assert await any_home.complete_from(VIEWER) is None

    await any_home.set_complete_from(VIEWER, 7, 200)
    await any_home.set_complete_from(VIEWER, 9, 100)

    assert await any_home.complete_from(VIEWER) == 7, "what was said last counts"


async def test_a_timeline_that_is_emptied_keeps_what_was_written_after_that(any_home: Home) -> None:
    await any_home.add(VIEWER, entries(20, 10), 100)
    await any_home.add(VIEWER, entries(30), 300)
    await any_home.set_complete_from(VIEWER, 10, 100)
    assert await any_home.count_removed(VIEWER, 3) == 3
    assert await any_home.count_removed(VIEWER, 4) == 7

    await any_home.empty(VIEWER, 200)

    assert await all_of(any_home) == entries(30)
    assert await any_home.complete_from(VIEWER) is None
    assert await any_home.count_removed(VIEWER, 1) == 1
    await any_home.set_complete_from(VIEWER, 30, 199)
    assert await any_home.complete_from(VIEWER) is None
    await any_home.set_complete_from(VIEWER, 30, 201)
    assert await any_home.complete_from(VIEWER) == 30


async def test_many_rows_of_one_author_are_found_among_others(any_home: Home) -> None:
    mine = entries(*range(3000, 0, -2))
    await any_home.add(VIEWER, mine, 1)
    await any_home.add(VIEWER, entries(*range(1, 1001, 2), author=OTHER), 1)

    assert await any_home.of_author(VIEWER, AUTHOR) == mine


async def test_following_again_brings_back_what_unfollowing_removed(any_home: Home) -> None:
    await any_home.add(VIEWER, entries(20, 10), 100)
    await any_home.remove(VIEWER, entries(20, 10), 200)
    assert await all_of(any_home) == []

    await any_home.add(VIEWER, entries(20, 10), 100)
    assert await all_of(any_home) == [], "a repeated fan-out is older than the removal"

    await any_home.add(VIEWER, entries(20, 10), 300)
    await any_home.remove(VIEWER, entries(20, 10), 200)
    assert await all_of(any_home) == entries(20, 10), "a repeated removal is older than the new follow"


async def test_a_post_whose_end_is_heard_first_does_not_come_back(any_authors: Authors) -> None:
    post = Entry(AUTHOR + (1 << 30), AUTHOR)
    await any_authors.remove(post, 200)
    await any_authors.add(post, 100)

    assert await any_authors.slice(AUTHOR, TOP, 10) == []


async def test_an_authors_posts_are_found_over_the_years(any_authors: Authors, clock: Clock) -> None:
    posts = entries(*(first_at(datetime(year, month, 1, tzinfo=UTC)) for year in (2026, 2024) for month in (6, 5)))
    for post in posts:
        await any_authors.add(post, 1)

    assert await any_authors.slice(AUTHOR, TOP, 3) == posts[:3]
    assert await any_authors.slice(AUTHOR, posts[0].post_id, 10) == posts[1:]


async def test_a_chunk_is_one_row_for_each_follower_however_often_it_is_written(
    rows: ChunkRows, cassandra: Cassandra
) -> None:
    followers = [VIEWER + number * 7919 for number in range(1000)]
    chunk = Chunk(Entry(50, AUTHOR), pack(followers), 100)

    for _ in range(3):
        await rows.write(chunk)

    found = await cassandra.execute("SELECT user_id, post_id, author_id FROM home_timeline")
    assert sorted((row.user_id, row.post_id, row.author_id) for row in found) == [
        (follower, 50, AUTHOR) for follower in followers
    ]


async def test_a_chunk_written_late_does_not_bring_back_what_was_removed_after_it(
    home: HomeRows, rows: ChunkRows
) -> None:
    await home.remove(VIEWER, entries(50), 200)

    await rows.write(Chunk(Entry(50, AUTHOR), pack([VIEWER, OTHER]), 100))

    assert await all_of(home) == []
    assert await all_of(home, OTHER) == entries(50)
