"""Authors who rise above the threshold and come back below it."""

import asyncio
from datetime import timedelta
from random import Random

import pytest
from feed_service.model import Entry, micros
from feed_service.model.crossing import KNOWN_WITHIN, Audience, Backfill, Costs, Mark, posts_a_day
from kit.errors import Unavailable
from kit.ids import first_at

from services.feed.tests.fakes import START
from services.feed.tests.races import Races
from services.feed.tests.world import World

COSTS = Costs(most=10_000, least=100, row_us=30, merge_us=60, reads_a_day=5)  # even at 10 posts a day
LONG = timedelta(hours=2)


@pytest.mark.parametrize(
    ("followers", "rate", "above", "below"),
    [
        (50, 1_000, False, True),  # too few to matter
        (1_000, 9, False, False),  # pushing costs less, but not by much
        (1_000, 11, True, False),
        (1_000, 4, False, True),
        (10_001, 0, True, False),  # too many, whatever it costs
        (9_000, 0, False, False),  # not far enough below the most
        (8_000, 5, False, True),
    ],
)
def test_what_costs_less_decides_between_the_bounds(followers: int, rate: float, above: bool, below: bool) -> None:
    audience = Audience(followers, rate)
    assert (COSTS.is_above(audience), COSTS.is_below(audience)) == (above, below)


def test_nobody_is_above_and_below_at_once() -> None:
    for most in (0, 1, 50, 10_000):
        costs = Costs(most=most, least=100)
        for followers in (0, 1, 40, 50, 51, 100, 101, 10_000, 10_001):
            for rate in (0, 0.1, 7, 14, 15, 1_000):
                audience = Audience(followers, rate)
                assert not (costs.is_above(audience) and costs.is_below(audience))


def test_the_rate_is_that_of_four_weeks() -> None:
    posts = [first_at(START - timedelta(days=day)) for day in range(100)]
    assert posts_a_day(posts, START) == pytest.approx(29 / 28)
    assert posts_a_day([], START) == 0


async def audience(world: World, count: int = 3) -> tuple[int, list[int]]:
    author, *followers = (world.account() for _ in range(count + 1))
    world.graph.follows |= {(follower, author) for follower in followers}
    return author, followers


async def rise(world: World, author: int) -> list[int]:
    """Posts pushed with the mark's first moments, and one that is not."""
    world.threshold = 1
    posts = [await world.publish(author)]
    world.clock.tick(KNOWN_WITHIN)
    return [await world.publish(author), *posts]


async def fall(world: World) -> None:
    world.threshold = 100
    world.clock.tick(LONG)
    await world.review()


async def rows(world: World, follower: int, author: int) -> list[int]:
    return [entry.post_id for entry in await world.home.of_author(follower, author)]


async def test_posts_are_pushed_until_every_reader_merges_the_author_and_then_no_more() -> None:
    world = World()
    author, followers = await audience(world)

    world.threshold = 1
    pushed = [await world.publish(author) for _ in range(2)][::-1]
    world.clock.tick(KNOWN_WITHIN)
    merged = await world.publish(author)

    assert [await rows(world, follower, author) for follower in followers] == [pushed] * 3
    assert await rows(world, author, author) == [merged, *pushed], "one's own are pushed to oneself"
    assert [await world.read(follower) for follower in followers] == [[merged, *pushed]] * 3


async def test_an_author_who_stays_below_is_not_looked_at_twice_in_an_hour() -> None:
    world = World()
    author, _ = await audience(world)
    await rise(world, author)
    world.threshold = 100

    await world.review()
    assert not world.tasks.backfills

    world.clock.tick(LONG)
    await world.review()
    assert [task.author_id for task in world.tasks.backfills] == [author]


async def test_on_the_way_back_rows_are_made_up_for_step_by_step_and_readers_merge_until_the_end() -> None:
    world = World()
    author, followers = await audience(world)
    posts = await rise(world, author)
    await fall(world)

    posts.insert(0, await world.publish(author))
    steps = 0
    while world.tasks.backfills:
        assert await world.authors.pulled() == {author}
        assert [await world.read(follower) for follower in followers] == [posts] * 3
        await world.hear_backfill(world.tasks.backfills.pop(0))
        steps += 1

    assert steps == 2, "of two followers each"
    assert await world.authors.pulled() == frozenset()
    assert [await rows(world, follower, author) for follower in followers] == [posts] * 3
    posts.insert(0, await world.publish(author))
    assert [await world.read(follower) for follower in followers] == [posts] * 3


async def test_steps_may_be_repeated_and_those_of_an_earlier_way_back_end_nothing() -> None:
    world = World()
    author, followers = await audience(world)
    posts = await rise(world, author)
    await fall(world)
    (earlier,) = world.tasks.backfills
    await world.hear_backfills()
    posts = [*await rise(world, author), *posts]
    await fall(world)
    (begun,) = world.tasks.backfills

    for task in (earlier, Backfill(author, earlier.returning_us, followers[1])):
        await world.hear_backfill(task)
    assert world.tasks.backfills == [begun]
    assert await world.authors.pulled() == {author}

    await world.hear_backfill(begun)
    await world.hear_backfills()
    assert [await rows(world, follower, author) for follower in followers] == [posts] * 3


async def test_who_rises_again_on_the_way_back_is_merged_and_not_pushed() -> None:
    world = World()
    author, followers = await audience(world)
    posts = await rise(world, author)
    await fall(world)
    posts = [*await rise(world, author), *posts]

    await world.hear_backfills()

    assert await world.authors.pulled() == {author}
    assert [await world.read(follower) for follower in followers] == [posts] * 3


async def test_a_way_back_whose_task_is_lost_begins_again() -> None:
    world = World()
    author, _ = await audience(world)
    await rise(world, author)
    await fall(world)
    lost = world.tasks.backfills.pop()
    await world.review()
    assert not world.tasks.backfills

    world.clock.tick(LONG)
    await world.review()
    assert world.tasks.backfills == [lost]


async def test_one_way_back_at_a_time() -> None:
    world = World()
    both = [(await audience(world))[0] for _ in range(2)]
    for author in both:
        await rise(world, author)

    await fall(world)
    assert len(world.tasks.backfills) == 1

    await world.hear_backfills()
    await world.review()
    await world.hear_backfills()
    assert await world.authors.pulled() == frozenset()


async def test_a_way_back_waits_for_redis() -> None:
    """A warm timeline that was not dropped would lack the author when nobody merges any more."""
    world = World()
    author, followers = await audience(world)
    posts = await rise(world, author)
    assert await world.read(followers[0]) == posts
    await fall(world)
    world.warm.is_down = True

    with pytest.raises(ExceptionGroup) as caught:
        await world.hear_backfills()
    assert caught.group_contains(Unavailable)
    assert await world.authors.pulled() == {author}


async def test_an_author_who_is_gone_for_good_leaves_no_mark() -> None:
    world = World()
    author, followers = await audience(world)
    await rise(world, author)
    await fall(world)
    world.home.rows.clear()
    await world.erased.mark(author)

    await world.hear_backfills()

    assert await world.authors.pulled() == frozenset()
    assert await rows(world, followers[0], author) == []


async def test_a_mark_of_before_there_were_times_counts_as_old() -> None:
    world = World()
    author, _ = await audience(world)
    world.authors.marks[author] = Mark()

    await world.publish(author)
    assert {user for user, _ in world.home.rows} == {author}

    await fall(world)
    assert [task.author_id for task in world.tasks.backfills] == [author]


async def test_a_rebuild_leaves_the_rows_of_merged_authors_alone() -> None:
    world = World()
    author, (follower, *_) = await audience(world)
    later, first = await rise(world, author)

    await world.rebuild.whole(follower)

    assert await rows(world, follower, author) == [first]
    assert await world.read(follower) == [later, first]


@pytest.mark.parametrize("seed", range(30))
async def test_no_read_lacks_a_post_however_crossings_pushes_and_idle_readers_meet(seed: int) -> None:
    world = Races(warm_cap=3, random=Random(seed))
    author, followers = await audience(world)
    pushed: list[int] = []
    busy = [asyncio.create_task(step) for step in (world.publish_some(author, pushed), world.cross_to_and_fro())]

    def over() -> bool:
        return all(task.done() for task in busy)

    await asyncio.gather(
        *busy, world.sweep_until(over), *(world.read_until(over, follower, pushed) for follower in followers)
    )
    await world.hear_backfills()
    world.clock.tick(timedelta(minutes=5))
    for _ in range(2):
        for follower in followers:
            assert await world.read(follower) == sorted(pushed, reverse=True)
        world.warm.timelines.clear()


async def test_a_follow_on_the_way_back_brings_the_posts() -> None:
    world = World()
    author, _ = await audience(world)
    posts = await rise(world, author)
    await fall(world)
    newcomer = world.account()
    world.graph.follows.add((newcomer, author))
    await world.follows.followed(newcomer, author, world.clock.next_id())

    assert await rows(world, newcomer, author) == posts


async def test_posts_older_than_rows_are_kept_are_not_made_up_for() -> None:
    world = World()
    author, (follower, *_) = await audience(world)
    old = Entry(world.clock.next_id(), author)
    await world.authors.add(old, micros(world.clock.now()))
    world.clock.tick(timedelta(days=91))
    posts = await rise(world, author)
    await fall(world)
    await world.hear_backfills()

    assert await rows(world, follower, author) == posts


async def test_who_returns_on_the_authors_way_back_gets_the_rows_that_its_step_left_out() -> None:
    world = World()
    author, followers = await audience(world)
    posts = await rise(world, author)
    for follower in followers:
        await world.read(follower)
    world.clock.tick(timedelta(days=31))
    world.warm.timelines.clear()
    await world.sweep()
    await fall(world)
    await world.hear_backfill(world.tasks.backfills.pop())  # of the first two followers, who are idle

    assert await world.read(followers[0]) == posts
    await world.hear_backfills()

    assert await world.authors.pulled() == frozenset()
    assert [await world.read(follower) for follower in followers] == [posts] * 3
