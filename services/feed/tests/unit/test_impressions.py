"""Telling what people were shown."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import pytest
from feed_service.events_impressions import KafkaImpressions
from feed_service.model.ranking import FEATURES, Features, RankedPost
from feed_service.service.top_ports import Served
from heliograph.events.v1.feed_events_pb2 import FeedEvent
from kit.errors import Unavailable
from kit.kafka import Message
from kit.proto import datetime_of
from kit.testing import eventually
from prometheus_client import REGISTRY

from services.feed.tests.fakes import START, down


class FakeProducer:
    def __init__(self) -> None:
        self.sent: list[Message] = []
        self.error: Unavailable | None = None
        self.hold = asyncio.Event()
        self.hold.set()

    async def publish(self, messages: Sequence[Message]) -> None:
        await self.hold.wait()
        if self.error:
            raise self.error
        self.sent += messages

    @property
    def events(self) -> list[FeedEvent]:
        return [FeedEvent.FromString(message.value) for message in self.sent]


@asynccontextmanager
async def telling(producer: FakeProducer, sample: float = 1, waiting: int = 1_000) -> AsyncGenerator[KafkaImpressions]:
    impressions = KafkaImpressions(producer, sample=sample, waiting=waiting)
    running = asyncio.create_task(impressions.run())
    yield impressions
    running.cancel()


def page(session: int = 7, first: int = 20) -> Served:
    posts = [RankedPost(5, 6, 0.5, Features(recency=1.5, likes=3))]
    return Served(1, session.to_bytes(8, "big"), first, posts, START)


def lost(kind: str) -> float:
    labels = {"kind": kind, "outcome": "lost"}
    return REGISTRY.get_sample_value("heliograph_feed_impressions_total", labels) or 0


async def test_a_page_is_told_with_its_features() -> None:
    producer = FakeProducer()
    async with telling(producer) as impressions:
        impressions.served(page())
        await eventually(lambda: _have(producer, 1))
    (message,) = producer.sent
    assert (message.topic, message.key) == ("feed.v1", "1")
    assert message.type == "heliograph.events.v1.RankedPageServed"
    told = producer.events[0].ranked_page_served
    assert (told.viewer_id, told.session_id, told.first_rank, told.model) == (1, f"{7:016x}", 20, "linear-1")
    assert datetime_of(told.served_at) == START
    (post,) = told.posts
    assert (post.post_id, post.author_id, post.score) == (5, 6, 0.5)
    assert set(post.features) == set(FEATURES)
    assert (post.features["recency"], post.features["likes"]) == (1.5, 3)


async def test_seen_posts_are_told_before_the_answer() -> None:
    producer = FakeProducer()
    async with telling(producer) as impressions:
        await impressions.seen(1, [5, 6], "top", START)
    told = producer.events[0].posts_seen
    assert (told.viewer_id, list(told.post_ids), told.order) == (1, [5, 6], "top")


async def test_a_silent_kafka_holds_no_answer_for_long() -> None:
    producer = FakeProducer()
    producer.hold.clear()
    async with telling(producer) as impressions, asyncio.timeout(2):
        await impressions.seen(1, [5], "top", START)
        assert not producer.sent
        producer.hold.set()
        await eventually(lambda: _have(producer, 1))


async def test_what_kafka_does_not_take_is_counted_and_the_next_is_told() -> None:
    producer, before = FakeProducer(), lost("seen")
    producer.error = down("KAFKA")
    async with telling(producer) as impressions:
        await impressions.seen(1, [5], "top", START)
        assert lost("seen") == before + 1
        producer.error = None
        await impressions.seen(1, [6], "top", START)
    assert [list(event.posts_seen.post_ids) for event in producer.events] == [[6]]


async def test_what_waits_has_a_bound() -> None:
    producer, before = FakeProducer(), lost("served")
    impressions = KafkaImpressions(producer, sample=1, waiting=3)
    for _ in range(5):
        impressions.served(page())
    assert lost("served") == before + 2


@pytest.mark.parametrize(("sample", "told"), [(0, 0), (0.5, 1), (1, 2)])
async def test_a_sample_takes_whole_sessions(sample: float, told: int) -> None:
    producer = FakeProducer()
    low, high = 7, 2**64 - 1
    async with telling(producer, sample) as impressions:
        for session in (low, high):
            impressions.served(page(session))
        await impressions.seen(1, [5], "", START)
    assert len(producer.sent) == told + 1


async def _have(producer: FakeProducer, count: int) -> bool:
    return len(producer.sent) == count
