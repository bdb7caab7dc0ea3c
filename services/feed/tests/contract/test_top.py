"""The ranked feed by its RPCs, taught by events."""

import json
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from heliograph.events.v1.engagement_events_pb2 import EngagementEvent, PostLiked
from heliograph.events.v1.feed_events_pb2 import FeedEvent
from heliograph.feed.v1 import feed_pb2 as pb
from heliograph.feed.v1.feed_pb2 import Order
from kit.errors import InvalidArgument, NotFound
from kit.testing import eventually
from redis.asyncio import Redis

from services.feed.tests.contract.system import Reader, System

TOP = pb.ORDER_TOP


async def page(
    feed: Reader, viewer: int, size: int = 100, token: str = "", order: Order.ValueType = TOP
) -> pb.GetHomePageResponse:
    asked = pb.GetHomePageRequest(viewer_id=viewer, page_size=size, page_token=token, order=order)
    return await feed.stub.GetHomePage(asked, timeout=10)


def ids_of(answer: pb.GetHomePageResponse) -> list[int]:
    return [int(post["id"]) for post in json.loads(answer.items)]


async def read(feed: Reader, viewer: int, size: int = 100, token: str = "") -> list[int]:
    answer = await page(feed, viewer, size, token)
    found = ids_of(answer)
    while answer.next_page_token:
        answer = await page(feed, viewer, size, answer.next_page_token)
        found += ids_of(answer)
    return found


async def seen(feed: Reader, viewer: int, posts: Sequence[int]) -> int:
    return (
        await feed.stub.MarkSeen(pb.MarkSeenRequest(viewer_id=viewer, post_ids=posts, order=TOP), timeout=10)
    ).recorded


async def why(feed: Reader, viewer: int, post: int) -> pb.ExplainPostResponse:
    return await feed.stub.ExplainPost(pb.ExplainPostRequest(viewer_id=viewer, post_id=post), timeout=10)


async def like(system: System, viewer: int, post: int) -> None:
    """Heard by the feed; the count is the truth's business."""
    event = PostLiked(
        post_id=post, post_author_id=system.truth.authors[post], user_id=viewer, change_id=system.next_id()
    )
    await system.tell("engagement.v1", f"{post}:{viewer}", EngagementEvent(post_liked=event))


@asynccontextmanager
async def posted(system: System, authors: int, posts: int) -> AsyncGenerator[tuple[Reader, int, list[int]]]:
    """A feed of posts by authors in turn, the newest first."""
    viewer, *people = (system.next_id() for _ in range(authors + 1))
    system.graph.follows |= {(viewer, one) for one in people}
    made = [system.next_id() for _ in range(posts)]
    system.truth.authors |= {post: people[number % authors] for number, post in enumerate(made)}
    async with system.serving() as feed:
        assert await feed.read(viewer) == made[::-1]
        yield feed, viewer, made[::-1]


async def test_a_ranking_asks_no_more_of_graph_than_is_at_hand(system: System) -> None:
    async with posted(system, 3, 6) as (feed, viewer, posts):
        system.graph.is_down = True
        assert sorted(await read(feed, viewer)) == sorted(posts)
        assert (await why(feed, viewer, posts[0])).reasons


async def test_what_the_viewer_likes_lifts_its_author_and_what_was_seen_goes_down(system: System) -> None:
    async with posted(system, 4, 4) as (feed, viewer, posts), system.process("fanout"):
        assert ids_of(await page(feed, viewer)) == posts
        favourite = posts[-1]
        for number in range(3):
            earlier = system.next_id() - (200 << 40) + number
            system.truth.authors[earlier] = system.truth.authors[favourite]
            await like(system, viewer, earlier)

        async def lifted() -> bool:
            return ids_of(await page(feed, viewer))[0] == favourite

        await eventually(lifted, timeout=30)
        told = await why(feed, viewer, favourite)
        assert {"recency", "affinity"} <= {reason.feature for reason in told.reasons}
        assert sum(reason.contribution for reason in told.reasons) == pytest.approx(told.score, abs=0.01)

        assert await seen(feed, viewer, [favourite, favourite]) == 1
        assert await seen(feed, viewer, [favourite]) == 0
        found = ids_of(await page(feed, viewer))
        assert [post for post in found if post in posts][-1] == favourite
        assert "seen" in {reason.feature for reason in (await why(feed, viewer, favourite)).reasons}
        assert ids_of(await page(feed, viewer, order=pb.ORDER_LATEST))[:4] == posts


async def test_pages_keep_their_order_to_the_end_of_the_feed(system: System) -> None:
    async with posted(system, 3, 23) as (feed, viewer, posts):
        system.truth.likes |= {(one, posts[20]): one for one in range(1, 40)}
        system.posts.comments[posts[19]] = [system.truth.authors[posts[0]]]
        whole = ids_of(await page(feed, viewer))
        assert sorted(whole) == sorted(posts)
        assert whole != posts

        first = await page(feed, viewer, 5)
        assert ids_of(first) == whole[:5]
        newer = system.next_id()
        system.truth.authors[newer] = system.truth.authors[posts[0]]
        system.truth.likes |= {(one, posts[15]): one for one in range(1, 90)}
        assert await read(feed, viewer, 5, first.next_page_token) == whole[5:]


async def test_whoever_may_not_be_seen_any_more_is_not_even_on_a_page_that_was_ranked(system: System) -> None:
    async with posted(system, 3, 12) as (feed, viewer, posts):
        first = await page(feed, viewer, 3)
        gone = system.truth.authors[posts[0]]
        system.truth.blocks.add((gone, viewer))
        change = pb.NoteChangeRequest(relations_changed=pb.RelationsChanged(user_ids=[gone, viewer]))
        await feed.note(change)
        rest = await read(feed, viewer, 3, first.next_page_token)
        left = {post for post in posts if system.truth.authors[post] != gone} - set(ids_of(first))
        assert set(rest) == left
        assert gone not in {system.truth.authors[post] for post in await read(feed, viewer, 5)}
        with pytest.raises(NotFound, match=r"NOT_IN_FEED|POST_NOT_FOUND"):
            await why(feed, viewer, posts[0])


async def test_a_lost_redis_shows_nothing_twice(system: System, redis_url: str) -> None:
    redis = Redis.from_url(redis_url)
    async with posted(system, 3, 20) as (feed, viewer, posts):
        first = await page(feed, viewer, 6)
        await redis.flushdb()
        found = [*ids_of(first), *await read(feed, viewer, 6, first.next_page_token)]
        assert sorted(found) == sorted(posts)
    await redis.aclose()


async def test_without_redis_it_is_chronological_and_says_so(system: System) -> None:
    viewer = system.next_id()
    posts = [system.next_id() for _ in range(5)]
    system.truth.authors |= dict.fromkeys(posts, viewer)
    system.truth.likes |= {(one, posts[0]): one for one in range(1, 40)}
    async with system.serving(HELIOGRAPH_REDIS_URL="redis://127.0.0.1:1/0") as feed:
        first = await page(feed, viewer, 3)
        assert first.degraded
        assert ids_of(first) == posts[:1:-1]
        assert ids_of(await page(feed, viewer, 3, first.next_page_token)) == [posts[1], posts[0]]
        assert await seen(feed, viewer, posts) == 0


async def test_what_was_shown_is_told_to_kafka(system: System, servers: dict[str, str], topic_prefix: str) -> None:
    async with posted(system, 2, 5) as (feed, viewer, posts):
        first = await page(feed, viewer, 3)
        await page(feed, viewer, 3, first.next_page_token)
        assert await seen(feed, viewer, posts[:2]) == 2
        events = await _told(servers["HELIOGRAPH_KAFKA_BOOTSTRAP"], f"{topic_prefix}feed.v1", 3)
    pages = [event.ranked_page_served for event in events if event.HasField("ranked_page_served")]
    assert [(one.viewer_id, one.first_rank, len(one.posts)) for one in pages] == [(viewer, 0, 3), (viewer, 3, 2)]
    assert {post.author_id for one in pages for post in one.posts} == {system.truth.authors[post] for post in posts}
    assert all("recency" in post.features for one in pages for post in one.posts)
    (marked,) = [event.posts_seen for event in events if event.HasField("posts_seen")]
    assert (list(marked.post_ids), marked.order) == (posts[:2], "top")


async def test_without_kafka_the_ranked_feed_is_served_all_the_same(system: System) -> None:
    viewer = system.next_id()
    post = system.next_id()
    system.truth.authors[post] = viewer
    async with system.serving(HELIOGRAPH_KAFKA_BOOTSTRAP="127.0.0.1:1") as feed:
        assert ids_of(await page(feed, viewer)) == [post]
        assert await seen(feed, viewer, [post]) == 1


async def test_odd_requests_are_refused(system: System) -> None:
    async with system.serving() as feed:
        viewer = system.next_id()
        with pytest.raises(InvalidArgument, match="BAD_PAGE_TOKEN"):
            await page(feed, viewer, token="116045278314958848")
        with pytest.raises(InvalidArgument, match="INVALID_FIELD"):
            await page(feed, 0)
        with pytest.raises(InvalidArgument, match="INVALID_FIELD"):
            await seen(feed, viewer, range(1, 202))
        with pytest.raises(InvalidArgument, match="INVALID_FIELD"):
            await seen(feed, 0, [1])
        with pytest.raises(NotFound, match="POST_NOT_FOUND"):
            await why(feed, viewer, 4711)


async def _told(bootstrap: str, topic: str, count: int) -> list[FeedEvent]:
    consumer = AIOKafkaConsumer(topic, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        records: list[Any] = [await anext(consumer) for _ in range(count)]
        return [FeedEvent.FromString(record.value) for record in records]
    finally:
        await consumer.stop()
