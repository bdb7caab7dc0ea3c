"""Accounts that do not read."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from random import Random

import pytest
from feed_service.model import TOP, Entry

from services.feed.tests.fakes import FakeHome
from services.feed.tests.races import Races
from services.feed.tests.world import World


async def pair(world: World) -> tuple[int, int]:
    """An author and a follower who has read."""
    author, follower = world.account(), world.account()
    world.graph.follows.add((follower, author))
    await world.read(follower)
    return author, follower


async def become_idle(world: World) -> None:
    """Everybody who has not read for 30 days, warm timelines gone with the time."""
    world.clock.tick(timedelta(days=31))
    world.warm.timelines.clear()
    await world.sweep()


def users_with_rows(world: World) -> set[int]:
    return {user for user, _ in world.home.rows}


async def test_who_does_not_read_for_a_month_gets_no_rows() -> None:
    world = World()
    author, follower = await pair(world)
    await world.publish(author)
    assert follower in users_with_rows(world)
    world.home.rows.clear()

    await become_idle(world)
    await world.publish(author)

    assert users_with_rows(world) == {author}


async def test_who_returns_finds_everything_at_the_first_read_and_gets_rows_again() -> None:
    world = World()
    author, follower = await pair(world)
    posts = [await world.publish(author) for _ in range(3)]
    await become_idle(world)
    posts += [await world.publish(author) for _ in range(9)]
    world.clock.tick(timedelta(minutes=5))

    assert await world.read(follower) == posts[::-1]

    assert follower not in world.idle.members
    posts.append(await world.publish(author))
    world.warm.timelines.clear()
    assert await world.read(follower) == posts[::-1]
    assert len(await world.home.slice(follower, TOP, 0, 2)) == 2


async def test_a_return_in_the_moment_of_becoming_idle_is_served_and_asked_for_again() -> None:
    world = World()
    author, follower = await pair(world)
    await become_idle(world)
    posts = [await world.publish(author)]

    assert await world.read(follower) == posts[::-1], "within a minute of it"
    assert await world.home.complete_from(follower) is None

    world.clock.tick(timedelta(minutes=5))
    world.warm.timelines.clear()
    posts.append(await world.publish(author))
    assert await world.read(follower) == posts[::-1]
    assert await world.home.complete_from(follower) is not None


async def test_who_reads_from_the_warm_timeline_is_not_idle() -> None:
    world = World()
    _, follower = await pair(world)
    world.clock.tick(timedelta(days=31))
    world.idle.read_at[follower] = world.clock.now() - timedelta(days=2)

    await world.sweep()

    assert not world.idle.members
    assert world.states.last_read[follower] == world.idle.read_at[follower]


async def test_a_read_is_noted_at_most_once_a_day() -> None:
    world = World()
    _, follower = await pair(world)
    first = world.clock.tick(timedelta(days=2))
    world.idle.read_at[follower] = first
    await world.sweep()
    world.idle.read_at[follower] = world.clock.tick(timedelta(hours=23))
    await world.sweep()
    assert world.states.last_read[follower] == first

    later = world.idle.read_at[follower] = world.clock.tick(timedelta(hours=2))
    await world.sweep()
    assert world.states.last_read[follower] == later


async def test_a_noted_read_counts_when_redis_has_lost_the_warm_timeline() -> None:
    world = World()
    _, follower = await pair(world)
    world.idle.read_at[follower] = world.clock.tick(timedelta(days=29))
    await world.sweep()
    world.idle.read_at.clear()
    world.clock.tick(timedelta(days=20))

    await world.sweep()

    assert not world.idle.members


async def test_a_lost_set_skips_nobody_and_is_made_again() -> None:
    world = World()
    author, follower = await pair(world)
    await become_idle(world)
    world.idle.members.clear()

    await world.publish(author)
    assert follower in users_with_rows(world)

    await world.sweep()
    assert world.idle.members == {follower}


async def test_without_redis_nobody_is_idle_and_who_returns_is_served() -> None:
    world = World()
    author, follower = await pair(world)
    await become_idle(world)
    world.warm.is_down = True

    posts = [await world.publish(author)]

    assert follower in users_with_rows(world)
    assert await world.read(follower) == posts
    assert await world.home.complete_from(follower) is None, "as nobody can say that the account left"


@pytest.mark.parametrize("seed", range(40))
async def test_no_read_lacks_a_post_however_going_coming_and_pushing_meet(seed: int) -> None:
    world = Races(warm_cap=3, random=Random(seed))
    author, follower = world.account(), world.account()
    world.graph.follows.add((follower, author))
    pushed: list[int] = []

    publishing = asyncio.create_task(world.publish_some(author, pushed))
    sweeps = [world.sweep_until(publishing.done) for _ in range(2)]
    reads = [world.read_until(publishing.done, follower, pushed) for _ in range(2)]
    await asyncio.gather(publishing, *sweeps, *reads)

    world.clock.tick(timedelta(minutes=5))
    for _ in range(2):
        assert await world.read(follower) == sorted(pushed, reverse=True)
        world.warm.timelines.clear()


async def test_a_read_that_is_overtaken_by_becoming_idle_finds_what_was_skipped() -> None:
    world = World()
    author, follower = await pair(world)
    world.clock.tick(timedelta(days=31))
    world.warm.timelines.clear()
    posts: list[int] = []

    async def overtake() -> None:
        if not posts:
            posts.append(0)
            await world.sweep()
            posts[0] = await world.publish(author)

    world.home = AskedFirst(world.home, overtake)

    assert await world.read(follower) == posts


class AskedFirst(FakeHome):
    """Something happens after each question about a timeline."""

    def __init__(self, home: FakeHome, then: Callable[[], Awaitable[None]]) -> None:
        vars(self).update(vars(home))
        self.then = then

    async def complete_from(self, user_id: int) -> int | None:
        answer = await super().complete_from(user_id)
        await self.then()
        return answer

    async def slice(self, user_id: int, before: int, floor: int, limit: int) -> Sequence[Entry]:
        answer = await super().slice(user_id, before, floor, limit)
        await self.then()
        return answer
