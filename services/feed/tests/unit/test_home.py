from datetime import timedelta

import pytest
from feed_service.model import TOP, Entry, micros, parse_token
from feed_service.model.crossing import KNOWN_WITHIN
from feed_service.service.home import Page
from kit.errors import Unavailable

from services.feed.tests.world import World


async def people(world: World, count: int) -> list[int]:
    return [world.account() for _ in range(count)]


async def test_a_post_is_in_the_feeds_of_its_author_and_followers_and_of_nobody_else() -> None:
    world = World()
    author, follower, stranger = await people(world, 3)
    await world.follow(follower, author)

    post = await world.publish(author)

    assert await world.read(author) == [post]
    assert await world.read(follower) == [post]
    assert await world.read(stranger) == []


async def test_pages_are_full_to_the_end_and_the_last_one_says_so() -> None:
    world = World()
    author, viewer = await people(world, 2)
    await world.follow(viewer, author)
    posts = [await world.publish(author) for _ in range(21)]
    world.posts.hidden.update(posts[::4])

    pages = await world.pages(viewer, size=5)

    assert [len(page.posts) for page in pages] == [5, 5, 5]
    assert [bool(page.next_token) for page in pages] == [True, True, False]


async def test_a_page_looks_at_so_many_candidates_and_another_goes_on() -> None:
    world = World()
    author, viewer = await people(world, 2)
    await world.follow(viewer, author)
    posts = [await world.publish(author) for _ in range(2_300)]
    world.posts.hidden.update(posts[10:])

    pages = await world.pages(viewer, size=5)

    assert [len(page.posts) for page in pages] == [0, 5, 5]
    assert [post for page in pages for post in page.posts] == posts[9::-1]


async def test_what_only_others_may_not_see_makes_no_empty_last_page() -> None:
    world = World()
    author, viewer = await people(world, 2)
    await world.follow(viewer, author)
    posts = [await world.publish(author) for _ in range(6)]
    world.posts.hidden.update(posts[:3])

    assert [page.posts for page in await world.pages(viewer, size=3)] == [posts[:2:-1]]


async def test_a_cursor_stands_still_while_new_posts_arrive() -> None:
    world = World()
    author, viewer = await people(world, 2)
    await world.follow(viewer, author)
    old = [await world.publish(author) for _ in range(9)]
    feed, seen, token = world.server(), list[int](), ""

    while True:
        page: Page[int] = await feed.page(viewer, 2, parse_token(token))
        seen += page.posts
        token = page.next_token
        await world.publish(author)
        if not token:
            break

    assert seen == old[::-1]


async def test_a_new_follower_finds_all_of_the_authors_posts() -> None:
    world = World()
    author, viewer = await people(world, 2)
    posts = [await world.publish(author) for _ in range(7)]
    assert await world.read(viewer) == []

    await world.follow(viewer, author)

    assert await world.read(viewer) == posts[::-1]


async def test_posts_older_than_rows_are_kept_are_still_there() -> None:
    world = World()
    author, viewer = await people(world, 2)
    await world.follow(viewer, author)
    old = [await world.publish(author) for _ in range(4)]
    assert await world.read(viewer) == old[::-1]
    world.clock.tick(timedelta(days=120))
    world.warm.timelines.clear()
    new = [await world.publish(author) for _ in range(3)]

    assert await world.read(viewer) == [*new[::-1], *old[::-1]]


async def test_unfollowing_empties_and_following_again_fills() -> None:
    world = World()
    author, viewer = await people(world, 2)
    await world.follow(viewer, author)
    posts = [await world.publish(author) for _ in range(3)]

    await world.unfollow(viewer, author)
    assert await world.read(viewer) == []
    assert await world.home.of_author(viewer, author) == []

    await world.follow(viewer, author)
    assert await world.read(viewer) == posts[::-1]
    assert len(await world.home.of_author(viewer, author)) == 3


async def test_a_late_row_of_somebody_not_followed_any_more_does_not_show() -> None:
    world = World()
    author, viewer = await people(world, 2)
    await world.follow(viewer, author)
    late = world.post(author)
    await world.unfollow(viewer, author)
    await world.home.add(viewer, [late], micros(world.clock.now()))

    assert await world.read(viewer) == []


async def test_a_follow_heard_after_a_later_unfollow_does_no_lasting_harm() -> None:
    world = World()
    author, viewer = await people(world, 2)
    post = await world.publish(author)
    first, second, third = (world.clock.next_id() for _ in range(3))

    await world.follows.followed(viewer, author, third)
    await world.follows.unfollowed(viewer, author, second)
    await world.follows.followed(viewer, author, first)
    world.graph.follows.add((viewer, author))

    assert await world.read(viewer) == [post]


async def test_who_is_muted_does_not_show_and_comes_back_unmuted() -> None:
    world = World()
    author, viewer = await people(world, 2)
    await world.follow(viewer, author)
    post = await world.publish(author)

    world.graph.mutes.add((viewer, author))
    await world.related(viewer)
    assert await world.read(viewer) == []

    world.graph.mutes.clear()
    await world.related(viewer)
    assert await world.read(viewer) == [post]


async def test_a_post_that_nobody_heard_of_yet_is_in_its_authors_feed_at_any_depth() -> None:
    world = World()
    author, friend = await people(world, 2)
    await world.follow(author, friend)
    processing = world.post(author)
    others = [await world.publish(friend) for _ in range(6)]

    assert await world.read(author) == [*others[::-1], processing.post_id]
    assert await world.read(friend) == others[::-1]


@pytest.mark.parametrize("thresholds", [(100, 1, 100), (1, 100, 1), (0, 0, 100)])
async def test_crossing_the_threshold_either_way_changes_no_feed(thresholds: tuple[int, ...]) -> None:
    world = World()
    author, *followers = await people(world, 4)
    for follower in followers:
        await world.follow(follower, author)
    posts: list[int] = []
    for threshold in thresholds:
        world.threshold = threshold
        posts += [await world.publish(author) for _ in range(3)]
        world.clock.tick()

        assert [await world.read(follower) for follower in followers] == [posts[::-1]] * 3


async def test_an_author_above_the_threshold_costs_no_rows() -> None:
    world = World(threshold=0)
    author, follower = await people(world, 2)
    await world.follow(follower, author)
    first = await world.publish(author)
    world.clock.tick(KNOWN_WITHIN)
    world.home.rows.clear()

    post = await world.publish(author)

    assert {user for user, _ in world.home.rows} == {author}, "but one for the author"
    assert await world.read(follower) == [post, first]


async def test_without_cassandra_the_feed_is_pulled_and_says_so() -> None:
    world = World()
    author, viewer = await people(world, 2)
    await world.follow(viewer, author)
    posts = [await world.publish(author) for _ in range(5)]
    world.home.is_down = world.authors.is_down = True

    pages = await world.pages(viewer)

    assert [post for page in pages for post in page.posts] == posts[::-1]
    assert all(page.degraded for page in pages)


async def test_without_redis_the_feed_is_whole_and_not_degraded() -> None:
    world = World()
    author, viewer = await people(world, 2)
    await world.follow(viewer, author)
    world.warm.is_down = True
    posts = [await world.publish(author) for _ in range(8)]

    pages = await world.pages(viewer)

    assert [post for page in pages for post in page.posts] == posts[::-1]
    assert not any(page.degraded for page in pages)


async def test_what_redis_missed_while_it_was_away_is_made_up_for() -> None:
    world = World()
    author, newcomer, viewer = await people(world, 3)
    await world.follow(viewer, author)
    first, early = await world.publish(author), await world.publish(newcomer)
    assert await world.read(viewer) == [first]
    world.warm.is_down = True
    missed = await world.publish(author)
    await world.follow(viewer, newcomer)
    world.warm.is_down = False

    await world.catch_up()

    assert await world.read(viewer) == [missed, early, first]


async def test_an_outage_of_post_or_graph_is_not_hidden() -> None:
    world = World()
    viewer = world.account()
    world.post(viewer)

    world.posts.is_down = True
    with pytest.raises(Unavailable, match="POST_UNAVAILABLE"):
        await world.server().page(viewer, 2, TOP)


async def test_a_lost_keyspace_is_rebuilt_by_reading() -> None:
    world = World()
    author, viewer = await people(world, 2)
    await world.follow(viewer, author)
    posts = [await world.publish(author) for _ in range(12)]
    world.home.rows.clear()
    world.home.complete.clear()
    world.warm.timelines.clear()
    newest = await world.publish(author)

    assert await world.read(viewer) == [newest, *posts[::-1]]


async def test_a_rebuild_adds_what_is_missing_and_removes_what_does_not_belong() -> None:
    world = World()
    author, stranger, viewer = await people(world, 3)
    await world.follow(viewer, author)
    posts = [await world.publish(author) for _ in range(12)]
    foreign = world.post(stranger)
    await world.home.add(viewer, [foreign], micros(world.clock.now()))
    world.home.rows = {key: at for key, at in world.home.rows.items() if key[1].post_id not in posts[3:9]}
    world.clock.tick()

    assert await world.rebuild.whole(viewer) == 12
    assert await world.home.slice(viewer, TOP, 0, 100) == [Entry(post, author) for post in posts[::-1]]
    assert await world.read(viewer) == posts[::-1]
