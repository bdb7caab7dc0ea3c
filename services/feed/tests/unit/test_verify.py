"""What comparing a feed with its definition finds, and what it lets pass."""

import pytest
from feed_service.model import Entry, pack
from kit.errors import InvalidArgument

from services.feed.tests.world import World


async def followed(world: World, posts: int) -> tuple[int, list[int]]:
    """A reader, and the posts of somebody whom the reader follows, oldest first."""
    reader, author = world.account(), world.account()
    await world.follow(reader, author)
    return reader, [await world.publish(author) for _ in range(posts)]


async def test_a_whole_feed_is_found_whole_step_by_step():
    world = World()
    reader, posts = await followed(world, 230)
    verify, token, checked = world.process().verify, "", 0
    while True:
        step = await verify.step(reader, token)
        assert (step.missing, step.extra) == ([], [])
        checked, token = checked + step.checked, step.next_token
        if not token:
            break
    assert checked == len(posts)


async def test_a_row_that_was_lost_is_missing():
    world = World()
    reader, posts = await followed(world, 8)
    await world.read(reader)
    lost = Entry(posts[-2], world.truth.authors[posts[-2]])
    world.home.rows.pop((reader, lost), None)
    world.warm.timelines.clear()
    found = await world.process().verify.step(reader, "")
    assert (found.missing, found.extra) == ([posts[-2]], [])


async def test_a_row_too_many_does_no_harm_and_is_not_told():
    world = World()
    reader, posts = await followed(world, 3)
    stranger = world.account()
    await world.warm.push(Entry(await world.publish(stranger), stranger), pack([reader]))
    found = await world.process().verify.step(reader, "")
    assert (found.checked, found.missing, found.extra) == (len(posts), [], [])


async def test_a_token_of_another_list_is_refused():
    with pytest.raises(InvalidArgument):
        await World().process().verify.step(1 << 40, "x")
