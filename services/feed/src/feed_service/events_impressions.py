"""What people were shown, as events on the topic feed.v1. They are told straight to Kafka and as well as may be: no
truth hangs on them, and no answer waits for them."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from heliograph.events.v1 import feed_events_pb2 as pb
from kit.errors import Unavailable
from kit.kafka import Message
from prometheus_client import Counter

from feed_service.model.ranking import WEIGHTS
from feed_service.service.top_ports import Served

TOPIC = "feed.v1"
_WAITING = 1_000  # events; what comes when so many wait is lost
_AT_ONCE = 100
_BUDGET_SECONDS = 0.25

IMPRESSIONS = Counter("heliograph_feed_impressions_total", "Events of what was shown", ["kind", "outcome"])


@dataclass(frozen=True)
class _Waiting:
    kind: str
    told: Served | pb.FeedEvent
    settled: asyncio.Event = field(default_factory=asyncio.Event)


class Producing(Protocol):
    async def publish(self, messages: Sequence[Message]) -> None:
        """Raises Unavailable."""
        ...


class KafkaImpressions:
    """`run` sends; without it all waits. `sample` is the share of sessions whose pages are told."""

    def __init__(self, producer: Producing, *, sample: float, waiting: int = _WAITING) -> None:
        self._producer, self._sample = producer, sample
        self._queue: asyncio.Queue[_Waiting] = asyncio.Queue(waiting)

    def served(self, page: Served) -> None:
        if int.from_bytes(page.session, "big") < self._sample * (1 << 8 * len(page.session)):
            self._offer(_Waiting("served", page))

    async def seen(self, viewer_id: int, post_ids: Sequence[int], order: str, at: datetime) -> None:
        event = pb.PostsSeen(viewer_id=viewer_id, post_ids=post_ids, order=order)
        event.seen_at.FromDatetime(at)
        waiting = _Waiting("seen", pb.FeedEvent(posts_seen=event))
        if self._offer(waiting):
            try:
                async with asyncio.timeout(_BUDGET_SECONDS):
                    await waiting.settled.wait()
            except TimeoutError:
                IMPRESSIONS.labels("seen", "late").inc()

    async def run(self) -> None:
        """Sends until cancelled. What Kafka does not take is counted and forgotten."""
        while True:
            batch = [await self._queue.get()]
            while len(batch) < _AT_ONCE and not self._queue.empty():
                batch.append(self._queue.get_nowait())
            try:
                await self._producer.publish([_message(one.told) for one in batch])
                outcome = "told"
            except Unavailable:
                outcome = "lost"
            for one in batch:
                IMPRESSIONS.labels(one.kind, outcome).inc()
                one.settled.set()

    def _offer(self, one: _Waiting) -> bool:
        try:
            self._queue.put_nowait(one)
        except asyncio.QueueFull:
            IMPRESSIONS.labels(one.kind, "lost").inc()
            return False
        return True


def _message(told: Served | pb.FeedEvent) -> Message:
    event = _page(told) if isinstance(told, Served) else told
    shown: pb.RankedPageServed | pb.PostsSeen = getattr(event, event.WhichOneof("event") or "")
    return Message(
        topic=TOPIC,
        key=str(shown.viewer_id),
        type=shown.DESCRIPTOR.full_name,
        value=event.SerializeToString(),
        source="feed",
    )


def _page(page: Served) -> pb.FeedEvent:
    posts = [
        pb.RankedPost(post_id=post.post_id, author_id=post.author_id, score=post.score, features=post.features.named())
        for post in page.posts
    ]
    event = pb.RankedPageServed(
        viewer_id=page.viewer_id,
        session_id=page.session.hex(),
        first_rank=page.first_rank,
        posts=posts,
        model=WEIGHTS.model,
    )
    event.served_at.FromDatetime(page.at)
    return pb.FeedEvent(ranked_page_served=event)
