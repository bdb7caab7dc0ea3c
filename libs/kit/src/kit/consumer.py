"""Consuming events: offsets are committed after the effect, each key keeps its order, an outage is waited out for ever
while the membership stays, poison goes to a dead-letter topic."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.abc import ConsumerRebalanceListener
from aiokafka.errors import IllegalStateError, KafkaError
from prometheus_client import Gauge

from kit import log
from kit.brokers import reached
from kit.deadletters import DeadLetters
from kit.delivery import Delivery, Handle, Undecodable, by_topic, decode, delivery_of, dispatch
from kit.handling import HandleBatch, Handling
from kit.kafka import bare_name, full_name, open_producer
from kit.outage import outlast
from kit.partition import Partition
from kit.settings import KafkaSettings
from kit.stalls import Stalls, stalled
from kit.tasks import together

__all__ = ["Consumer", "Delivery", "Handle", "HandleBatch", "Undecodable", "by_topic", "decode", "dispatch"]

LAG = Gauge("heliograph_consumer_lag", "Events not yet handled", ["group", "topic", "partition"])
AGE = Gauge(
    "heliograph_consumer_age_seconds",
    "Age of the oldest event not yet handled, 0 when all are",
    ["group", "topic", "partition"],
)

_POLL_MS = 200
_POLL_RECORDS = 500
_COMMIT_SECONDS = 0.5
_COMMIT_LIMIT = 5.0
_DRAIN_SECONDS = 8.0
_STOP_SECONDS = 10.0
_LOOK_SECONDS = 10.0
_JOIN_SECONDS = 90.0  # other members may take a while to give their partitions back
_METADATA_MS = 3000  # how soon a topic that did not exist at the start is found

logger = log.get(__name__)


class Consumer:
    """A member of `group` on `topics` (bare names).

    Give either `handle`, called with one delivery, up to `concurrency` at once, those of one key one after another; or
    `handle_batch`, called with up to `batch_size` deliveries of one partition in order, up to `concurrency` partitions
    at once. Effects must survive being repeated. Unavailable, DeadlineExceeded and driver errors of that meaning are
    retried for ever; any other error `max_attempts` times.
    """

    def __init__(
        self,
        settings: KafkaSettings,
        *,
        group: str,
        topics: Sequence[str],
        handle: Handle | None = None,
        handle_batch: HandleBatch | None = None,
        max_attempts: int = 5,
        concurrency: int = 16,
        batch_size: int = 100,
        max_backlog: int = 500,
    ) -> None:
        if (handle is None) == (handle_batch is None):
            raise ValueError("a consumer needs either handle or handle_batch")
        self._settings, self.group, self.max_backlog = settings, group, max_backlog
        self.topics = [full_name(topic, settings.topic_prefix) for topic in topics]
        self._handle = handle_batch or _each(handle)
        self._batch_size = batch_size if handle_batch else None
        self._max_attempts, self._concurrency = max_attempts, concurrency
        self.lag = 0
        """Events of the partitions assigned here that are not yet handled, at most half a second ago."""

    async def run(self) -> None:
        """Consumes until cancelled, then lets running handlers finish for some seconds and commits. Starts when Kafka
        is down or a topic is missing."""
        async with open_producer(self._settings) as producer:
            letters = DeadLetters(self._settings, producer, self.group)
            slots = asyncio.Semaphore(self._concurrency)
            handling = Handling(self.group, self._handle, letters.bury, slots, self._max_attempts)
            await outlast(lambda: self._consume(handling), what=f"consumer {self.group}")

    async def _consume(self, handling: Handling) -> None:
        client = AIOKafkaConsumer(
            **reached(self._settings),
            group_id=self.group_id,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            metadata_max_age_ms=_METADATA_MS,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=1000,
        )
        membership = _Membership(self, client, handling)
        try:
            await client.start()
            client.subscribe(self.topics, listener=membership)
            await together(membership.poll(), membership.watch())
        finally:
            await membership.leave()
            with suppress(TimeoutError):
                async with asyncio.timeout(_STOP_SECONDS):
                    await client.stop()

    @property
    def group_id(self) -> str:
        """At the broker; prefixed as the topics are, so that systems that share brokers stay apart."""
        return full_name(self.group, self._settings.topic_prefix)

    def bare(self, topic: str) -> str:
        return bare_name(topic, self._settings.topic_prefix)

    def partition(self, handling: Handling) -> Partition:
        return Partition(handling.settle, batch_size=self._batch_size)

    def deliveries(self, records: Sequence[Any]) -> list[Delivery]:
        return [delivery_of(record, self.bare(record.topic)) for record in records]


class _Membership(ConsumerRebalanceListener):
    """What is assigned between a join and the leaving of the group."""

    def __init__(self, consumer: Consumer, client: Any, handling: Handling) -> None:
        self._consumer, self._client, self._handling = consumer, client, handling
        self._partitions: dict[TopicPartition, Partition] = {}
        self._committing = asyncio.Lock()
        self._commit_at = 0.0
        self._stalls = Stalls(client)
        self._joining_since: float | None = time.monotonic()

    async def poll(self) -> None:
        while True:
            fetched = await self._client.getmany(timeout_ms=_POLL_MS, max_records=_POLL_RECORDS)
            for place, records in fetched.items():
                if place in self._partitions:  # else it was revoked meanwhile
                    self._partitions[place].add(self._consumer.deliveries(records))
            self._throttle()
            if time.monotonic() >= self._commit_at:
                self._commit_at = time.monotonic() + _COMMIT_SECONDS
                await self._commit(self._partitions)
                self._measure()
            for partition in self._partitions.values():
                if partition.failure:
                    raise partition.failure

    async def watch(self) -> None:
        """Raises Unavailable KAFKA_STALLED."""
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if self._joining_since is not None and time.monotonic() - self._joining_since > _JOIN_SECONDS:
                raise stalled("the group has not been joined")
            fetching = {place: one.arrived for place, one in self._partitions.items() if not one.paused}
            await self._stalls.look(fetching)

    async def on_partitions_assigned(  # pyright: ignore[reportIncompatibleMethodOverride] aiokafka awaits it
        self, assigned: Sequence[TopicPartition]
    ) -> None:
        self._joining_since = None
        for place in assigned:
            self._partitions[place] = self._consumer.partition(self._handling)

    async def on_partitions_revoked(  # pyright: ignore[reportIncompatibleMethodOverride] as above
        self, revoked: Sequence[TopicPartition]
    ) -> None:
        """Another member waits for this to end: what runs may finish, then its offsets are committed."""
        self._joining_since = time.monotonic()
        leaving = {place: self._partitions.pop(place) for place in revoked if place in self._partitions}
        await asyncio.gather(*(partition.stop(_DRAIN_SECONDS) for partition in leaving.values()))
        await self._commit(leaving)
        for place in leaving:
            LAG.remove(*self._labels(place))
            AGE.remove(*self._labels(place))

    async def leave(self) -> None:
        await self.on_partitions_revoked(list(self._partitions))

    def _throttle(self) -> None:
        """A partition with too much open work is fetched no further, while polling keeps the membership."""
        assigned = self._client.assignment()
        for place, partition in self._partitions.items():
            full = partition.backlog >= self._consumer.max_backlog
            if place not in assigned or full is partition.paused:
                continue
            if full:
                self._client.pause(place)
            elif partition.backlog > self._consumer.max_backlog // 2:
                continue
            else:
                self._client.resume(place)
            partition.paused = full

    async def _commit(self, partitions: dict[TopicPartition, Partition]) -> None:
        async with self._committing:
            moved = {
                place: partition.position
                for place, partition in partitions.items()
                if partition.position is not None and partition.position != partition.committed
            }
            if not moved:
                return
            try:
                async with asyncio.timeout(_COMMIT_LIMIT):  # else a stop would wait for a broker that is away
                    await self._client.commit(moved)
            except (KafkaError, IllegalStateError, TimeoutError) as error:
                logger.warning("offsets not committed", group=self._consumer.group, error=repr(error))
                return  # the next commit says it again, or the next owner handles it again
            for place, position in moved.items():
                partitions[place].committed = position

    def _measure(self) -> None:
        lag = 0
        for place, partition in self._partitions.items():
            end = max(self._client.highwater(place) or 0, self._stalls.ends.get(place, 0))
            if partition.position is not None:
                LAG.labels(*self._labels(place)).set(max(0, end - partition.position))
                lag += max(0, end - partition.position)
            age = (datetime.now(UTC) - partition.oldest).total_seconds() if partition.oldest else 0
            AGE.labels(*self._labels(place)).set(max(0, age))
        self._consumer.lag = lag

    def _labels(self, place: TopicPartition) -> tuple[str, str, str]:
        return self._consumer.group, self._consumer.bare(place.topic), str(place.partition)


def _each(handle: Handle | None) -> HandleBatch:
    async def handle_all(deliveries: Sequence[Delivery]) -> None:
        for delivery in deliveries:
            if handle is not None:
                await handle(delivery)

    return handle_all
