"""The ranked order, put together: what answers reads, and what the fan-out process hears for it."""

import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime

from kit.consumer import Consumer
from kit.kafka import open_producer
from kit.server import Task
from redis.asyncio import Redis

from feed_service.events_impressions import KafkaImpressions
from feed_service.events_interests import interest_handler
from feed_service.reading import Peers, Reading
from feed_service.service.chronology import Chronology
from feed_service.service.facts import PeersFacts
from feed_service.service.interests import Interest
from feed_service.service.ranker import Ranker
from feed_service.service.seen import Seen
from feed_service.service.top import TopFeed
from feed_service.service.why import Why
from feed_service.settings import FanoutSettings, ServeSettings
from feed_service.store import ErasedRows, InterestLog, Patience, SeenPosts, Sessions

_PARTITIONS_AT_ONCE = 4


@dataclass(frozen=True)
class Ranked:
    """`tasks` have to run beside."""

    top: TopFeed
    seen: Seen
    why: Why
    tasks: Sequence[Task]


class Traces:
    """What is kept of viewers for their rankings."""

    def __init__(self, redis: Redis, *, now: Callable[[], datetime]) -> None:
        patience = Patience("REDIS", seconds=0.5, rest=1.0, clock=time.monotonic)
        self.interests, self.sessions = InterestLog(redis, patience), Sessions(redis, patience)
        self.seen = SeenPosts(redis, patience, now=now)

    @property
    def forgetting(self) -> Sequence[Callable[[int], Awaitable[int]]]:
        """What takes an account's away."""
        return (self.interests.forget, self.seen.forget, self.sessions.forget)


async def ranking(
    stack: AsyncExitStack,
    settings: ServeSettings,
    traces: Traces,
    reads: Reading,
    peers: Peers,
    *,
    now: Callable[[], datetime],
) -> Ranked:
    producer = await stack.enter_async_context(open_producer(settings))
    impressions = KafkaImpressions(producer, sample=settings.impression_sample)
    feed = Chronology(reads.candidates, reads.viewers, reads.sight, reads.fragments)
    facts = PeersFacts(reads.fragments.get, peers.fragments.commenters)
    ranker = Ranker(feed, facts, traces.interests, traces.seen, days=settings.top_days, most=settings.top_candidates)
    return Ranked(
        TopFeed(feed, ranker, traces.sessions, impressions, now=now),
        Seen(peers.posts, traces.seen, impressions, now=now),
        Why(feed, facts, peers.posts, ranker, now=now),
        [impressions.run],
    )


def interests_consumer(settings: FanoutSettings, traces: Traces, erased: ErasedRows, peers: Peers) -> Task:
    facts = PeersFacts(peers.fragments.pieces, peers.fragments.commenters)
    return Consumer(
        settings,
        group="feed.interests",
        topics=["engagement.v1", "post.v1"],
        handle_batch=interest_handler(Interest(facts, traces.interests, erased)),
        concurrency=_PARTITIONS_AT_ONCE,
    ).run
