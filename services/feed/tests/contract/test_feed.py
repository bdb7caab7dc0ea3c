"""The home feed by its RPC, fed by events."""

import pytest
from kit.errors import InvalidArgument
from kit.testing import eventually

from services.feed.tests.contract.system import System


async def test_posts_reach_followers_and_follows_bring_posts_and_take_them_away(system: System) -> None:
    author, follower, newcomer = (system.next_id() for _ in range(3))
    async with system.process("fanout"), system.serving() as feed:
        await system.follow(follower, author)
        assert await feed.read(follower) == []

        first = await system.publish(author)
        await eventually(lambda: feed.shows(follower, [first]), timeout=30)
        assert await feed.read(author) == [first]
        assert await feed.read(newcomer) == []

        await system.follow(newcomer, author)
        await eventually(lambda: feed.shows(newcomer, [first]))

        await system.unfollow(follower, author)
        second = await system.publish(author)
        await eventually(lambda: feed.shows(newcomer, [second, first]))
        assert await feed.read(follower) == []

        await system.follow(follower, author)
        await eventually(lambda: feed.shows(follower, [second, first]))

        await system.delete(first)
        assert await feed.read(newcomer) == [second]


async def test_pages_follow_one_another_and_end(system: System) -> None:
    author, follower = system.next_id(), system.next_id()
    await system.follow(follower, author)
    posts = [await system.publish(author) for _ in range(5)]
    async with system.process("fanout"), system.serving() as feed:
        await eventually(lambda: feed.shows(follower, posts[::-1]), timeout=30)

        first = await feed.page(follower, size=2)
        newer = await system.publish(author)
        await eventually(lambda: feed.shows(follower, [newer, *posts[::-1]]))
        second = await feed.page(follower, size=2, token=first.next_page_token)
        third = await feed.page(follower, size=2, token=second.next_page_token)

        assert [[post.id for post in page.posts] for page in (first, second, third)] == [
            [posts[4], posts[3]],
            [posts[2], posts[1]],
            [posts[0]],
        ]
        assert third.next_page_token == ""
        with pytest.raises(InvalidArgument, match="BAD_PAGE_TOKEN"):
            await feed.page(follower, token="elsewhere")
        with pytest.raises(InvalidArgument, match="INVALID_FIELD"):
            await feed.page(0)


async def test_an_author_may_cross_the_threshold_either_way(system: System) -> None:
    author, *followers = (system.next_id() for _ in range(4))
    for follower in followers:
        await system.follow(follower, author)
    posts: list[int] = []
    async with system.serving() as feed:
        for threshold in ("100", "2", "100"):
            async with system.process("fanout", HELIOGRAPH_FANOUT_THRESHOLD=threshold):
                posts.insert(0, await system.publish(author))
                for follower in followers:
                    await eventually(lambda reader=follower: feed.shows(reader, posts), timeout=30)


async def test_a_rebuild_makes_the_timeline_from_truth(system: System) -> None:
    author, follower = system.next_id(), system.next_id()
    system.graph.follows.add((follower, author))
    posts = [system.next_id() for _ in range(3)]
    system.posts.authors.update(dict.fromkeys(posts, author))

    assert "3 rows" in await system.run(f"rebuild --user {follower}")

    async with system.serving() as feed:
        assert await feed.read(follower) == posts[::-1]


async def test_migrating_again_changes_nothing(system: System) -> None:
    for _ in range(2):
        await system.run("migrate")
