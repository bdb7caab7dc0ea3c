"""What a read knows of its viewer: as little asked as can be, and never what was true before a change."""

import asyncio
from collections.abc import Sequence
from datetime import timedelta

import pytest
from feed_service.model import OPEN, TOP, Entry, Mention, Relations, compose, piece
from feed_service.service.viewers import Viewers
from kit.errors import Unavailable

from services.feed.tests.fakes import FakeWarm
from services.feed.tests.truth_fakes import FakeGraph, FakePosts
from services.feed.tests.view_fakes import FakeViews
from services.feed.tests.world import World


async def followed(world: World) -> tuple[int, int, int]:
    """A viewer, an author and the author's post, the viewer's feed read once."""
    author, viewer = world.account(), world.account()
    await world.follow(viewer, author)
    post = await world.publish(author)
    world.clock.tick(timedelta(seconds=11))  # the closing by the follow is over
    assert await world.read(viewer) == [post]
    return viewer, author, post


async def test_a_warm_read_asks_neither_graph_nor_post() -> None:
    world = World()
    viewer, _, post = await followed(world)
    process = world.process()
    await process.feed.page(viewer, 5, TOP)
    world.graph.asked.clear()
    world.posts.asked.clear()
    world.graph.is_down = world.posts.is_down = True

    page = await process.feed.page(viewer, 5, TOP)

    assert page.posts == [post]
    assert world.graph.asked == []
    assert world.posts.asked == []


async def test_thousands_of_cold_reads_at_once_ask_graph_once() -> None:
    world = World()
    author, viewer = world.account(), world.account()
    await world.follow(viewer, author)
    world.clock.tick(timedelta(seconds=11))
    viewers = Viewers(world.views, world.graph, world.posts, now=world.clock.now)

    await asyncio.gather(*(viewers.open(viewer, TOP, 5, None) for _ in range(5_000)))

    assert world.graph.asked == [viewer]


class SlowGraph(FakeGraph):
    """Answers what was true when it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.gate = asyncio.Event()

    async def relations_of(self, user_id: int) -> Relations:
        answer = await super().relations_of(user_id)
        await self.gate.wait()
        return answer


async def test_who_asks_after_a_closing_shares_no_load_from_before_it() -> None:
    graph, views = SlowGraph(), FakeViews(FakeWarm(5))
    graph.truth.follows.add((1, 2))
    viewers = Viewers(views, graph, FakePosts(graph.truth), now=views.clock.now)
    early = asyncio.create_task(viewers.open(1, TOP, 5, None))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    graph.truth.blocks.add((2, 1))
    await views.close_relations(1)
    late = asyncio.create_task(viewers.open(1, TOP, 5, None))
    await asyncio.sleep(0)
    graph.gate.set()

    assert not (await early)[1].known[2].blocked
    assert (await late)[1].known[2].blocked
    assert views.kept == {}


async def test_without_redis_nobody_shares_a_load_from_before_a_block() -> None:
    graph, views = SlowGraph(), FakeViews(FakeWarm(5))
    views.warm.is_down = True
    graph.truth.follows.add((1, 2))
    viewers = Viewers(views, graph, FakePosts(graph.truth), now=views.clock.now)
    early = asyncio.create_task(viewers.open(1, TOP, 5, None))
    await asyncio.sleep(0)
    await asyncio.sleep(0)

    graph.truth.blocks.add((2, 1))  # nothing can be closed
    late = asyncio.create_task(viewers.open(1, TOP, 5, None))
    await asyncio.sleep(0)
    graph.gate.set()

    assert not (await early)[1].known[2].blocked
    assert (await late)[1].known[2].blocked


async def test_an_author_who_goes_above_the_threshold_is_found_among_those_followed() -> None:
    world = World()
    viewer, author, post = await followed(world)
    process = world.process()
    assert (await process.feed.page(viewer, 5, TOP)).posts == [post]

    await world.marks.mark(author, 0)  # long ago: posts are pushed no more
    later = await world.publish(author)
    world.clock.tick(timedelta(seconds=3))

    assert (await process.feed.page(viewer, 5, TOP)).posts == [later, post]


async def test_authors_above_the_threshold_find_their_own_posts_in_a_warm_feed() -> None:
    world = World()
    author = world.account()
    await world.marks.mark(author, 0)
    first = await world.publish(author)
    assert await world.read(author) == [first]
    second = await world.publish(author)

    assert await world.read(author) == [second, first]


async def test_a_muted_author_above_the_threshold_stays_muted() -> None:
    world = World()
    viewer, author, _ = await followed(world)
    world.truth.mutes.add((viewer, author))
    await world.related(viewer)
    world.clock.tick(timedelta(seconds=11))
    assert await world.read(viewer) == []

    await world.marks.mark(author, 0)
    await world.publish(author)
    world.clock.tick(timedelta(seconds=3))

    assert await world.read(viewer) == []


async def test_without_redis_likes_and_relations_are_those_of_truth() -> None:
    world = World()
    viewer, _, post = await followed(world)
    world.truth.likes[viewer, post] = world.clock.next_id()
    world.warm.is_down = True

    assert await world.liked_by(viewer, world.process()) == [post]


async def test_an_outage_of_graph_is_not_hidden() -> None:
    world = World()
    world.graph.is_down = True

    with pytest.raises(Unavailable, match="GRAPH_UNAVAILABLE"):
        await world.server().page(world.account(), 2, TOP)


@pytest.mark.parametrize("listed", [True, False])
async def test_accounts_with_a_block_are_not_mentioned(listed: bool) -> None:
    world = World()
    author, viewer, foe, friend = (world.account() for _ in range(4))
    await world.follow(viewer, author)
    world.truth.blocks.add((foe, viewer))
    post = await world.publish(author)
    mentions = [Mention(foe, "foe"), Mention(friend, "friend")]
    made = piece(Entry(post, author), OPEN, author=b"{}", body=b'"title":""', mentions=mentions)
    process = world.process()
    await process.fragments.get([post])
    process.fragments._kept[post].piece = made  # pyright: ignore[reportPrivateUsage]

    await world.server().page(viewer, 1, TOP)
    if not listed:
        world.views.kept = {
            user: (_unlisted(relations), stamp) for user, (relations, stamp) in world.views.kept.items()
        }
    sent = compose((await process.pages.page(viewer, 1, TOP)).posts)

    assert b'"mentions":[{"id":"%d","username":"friend"}]' % friend in sent


def _unlisted(relations: Relations) -> Relations:
    return Relations(relations.known, tags=relations.tags, pulled=relations.pulled, blocked=None)


async def test_of_a_viewer_with_some_likes_at_hand_the_rest_is_asked() -> None:
    graph, views = FakeGraph(), FakeViews(FakeWarm(5))
    posts = FakePosts(graph.truth)
    graph.truth.likes = {(1, 10): 1, (1, 30): 1, (1, 20): 1}
    viewers = Viewers(views, graph, posts, now=views.clock.now)
    build = await views.begin_likes(1)
    assert build is not None
    await views.finish_likes(1, build, [(30, 1)], 25, 0)
    _, viewer = await viewers.open(1, TOP, 5, None)

    liked: Sequence[int] = sorted(await viewers.liked(viewer, [40, 30, 20, 15]))

    assert liked == [20, 30]
