"""Kafka: messages in CloudEvents' binary mode, and the producer.

Topics are named without the prefix in code ("user.v1"); the prefix of the settings comes in front at the wire.
"""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from kit import telemetry
from kit.brokers import Where, reached
from kit.errors import Unavailable
from kit.settings import KafkaSettings
from kit.tasks import uninterrupted

Header = tuple[str, bytes]

MAX_VALUE_BYTES = 900_000  # a message must stay under the broker's limit of 1 MiB with its headers
_START_SECONDS = 5.0
_DELIVERY_SECONDS = 8.0
_REST_SECONDS = 0.5


@dataclass(frozen=True)
class Message:
    """What goes out. Messages of one key stay in order; `id` stays the same when one is sent again."""

    topic: str
    key: str
    type: str
    value: bytes
    source: str = "heliograph"
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    time: datetime = field(default_factory=lambda: datetime.now(UTC))
    extra: tuple[Header, ...] = ()

    @property
    def headers(self) -> list[Header]:
        named = {"id": self.id, "type": self.type, "source": self.source, "time": self.time.isoformat()}
        attributes = {"specversion": "1.0", **named}
        return [*((f"ce_{name}", value.encode()) for name, value in attributes.items()), *self.extra]


def full_name(topic: str, prefix: str) -> str:
    return topic if topic.startswith(prefix) else prefix + topic


def bare_name(topic: str, prefix: str) -> str:
    return topic.removeprefix(prefix)


class Producer:
    """Idempotent, acknowledged by all in-sync replicas. Connects when first used and again after any failure."""

    def __init__(self, where: Where, topic_prefix: str) -> None:
        self._where, self._prefix = where, topic_prefix
        self._client: AIOKafkaProducer | None = None
        self._stopping: asyncio.Task[None] | None = None
        self._turning = asyncio.Lock()
        self._failed_at = float("-inf")

    async def ready(self) -> None:
        """Raises Unavailable within 5 s when the brokers do not answer."""
        await self._connected()

    async def publish(self, messages: Sequence[Message]) -> None:
        """Returns when every message is acknowledged. On Unavailable some may have arrived: send all of them again."""
        client = await self._connected()
        try:
            async with asyncio.timeout(_DELIVERY_SECONDS + 2):
                await uninterrupted(self._deliver(client, messages))
        except (KafkaError, TimeoutError, Unavailable) as error:
            self._discard(client)
            raise _unavailable() from error

    async def send(self, message: Message) -> None:
        await self.publish([message])

    async def close(self) -> None:
        """Waits for what is under way, at most some seconds."""
        if self._client is not None:
            self._discard(self._client)
        if self._stopping is not None:
            await self._stopping

    async def _deliver(self, client: Any, messages: Sequence[Message]) -> None:
        waits = [await self._enqueue(client, message) for message in messages]
        await asyncio.gather(*waits)

    async def _enqueue(self, client: Any, message: Message) -> "asyncio.Future[Any]":
        return await client.send(
            full_name(message.topic, self._prefix),
            value=message.value,
            key=message.key.encode() or None,
            headers=_traced(message.headers),
            timestamp_ms=int(message.time.timestamp() * 1000),
        )

    async def _connected(self) -> AIOKafkaProducer:
        async with self._turning:
            if self._client is None:
                self._client = await self._restart()
            return self._client

    async def _restart(self) -> AIOKafkaProducer:
        if time.monotonic() - self._failed_at < _REST_SECONDS:
            raise _unavailable()  # those who queued up need not all try in turn
        try:
            await self._silence()
            return await _start(self._where)
        except Unavailable:
            self._failed_at = time.monotonic()
            raise

    async def _silence(self) -> None:
        """The old client must be silent before a new one starts, or a late message of it would come after newer ones of
        its key."""
        if self._stopping is not None:
            await asyncio.wait([self._stopping], timeout=_START_SECONDS)
            if not self._stopping.done():
                raise _unavailable()

    def _discard(self, client: AIOKafkaProducer) -> None:
        """A failed idempotent producer has a gap in its sequence and cannot go on."""
        if self._client is client:
            self._client = None
            self._stopping = asyncio.create_task(client.stop())


@asynccontextmanager
async def open_producer(settings: KafkaSettings) -> AsyncGenerator[Producer]:
    """Starts even when Kafka is down."""
    producer = Producer(settings, settings.topic_prefix)
    try:
        yield producer
    finally:
        await producer.close()


async def create_topics(
    where: Where, partitions: Mapping[str, int], *, settings: Mapping[str, str] | None = None
) -> None:
    """Makes those of the topics (full names) that do not exist, with the broker's default replication."""
    async with _administering(where) as admin:
        # aiokafka takes the broker's default (-1) only beside an assignment, be it an empty one.
        wanted = [NewTopic(name, count, -1, {}, dict(settings or {})) for name, count in partitions.items()]
        answer: Any = await admin.create_topics(wanted)
        for _, code, *_ in answer.topic_errors:
            if code and for_code(code) is not TopicAlreadyExistsError:
                raise for_code(code)


async def partition_count(where: Where, topic: str) -> int:
    """0 when there is no such topic (full name)."""
    async with _administering(where) as admin:
        if topic not in await admin.list_topics():
            return 0
        (found,) = await admin.describe_topics([topic])
        return len(found["partitions"])


@asynccontextmanager
async def _administering(where: Where) -> AsyncGenerator[Any]:
    admin = AIOKafkaAdminClient(**reached(where))
    try:
        await admin.start()
        yield admin
    finally:
        await admin.close()


async def _start(where: Where) -> AIOKafkaProducer:
    client = AIOKafkaProducer(
        **reached(where),
        enable_idempotence=True,
        acks="all",
        compression_type="lz4",
        linger_ms=0,  # what comes while a request is under way goes together with the next
        request_timeout_ms=int(_DELIVERY_SECONDS * 1000),
    )
    try:
        async with asyncio.timeout(_START_SECONDS):
            await client.start()
    except (KafkaError, TimeoutError, asyncio.CancelledError) as error:
        await client.stop()
        if isinstance(error, asyncio.CancelledError):
            raise
        raise _unavailable() from error
    return client


def _traced(headers: list[Header]) -> list[Header]:
    """With the current trace, unless the message brings one."""
    if not any(name == telemetry.TRACEPARENT for name, _ in headers):
        telemetry.inject(headers)
    return headers


def _unavailable() -> Unavailable:
    return Unavailable("KAFKA_UNAVAILABLE", "a backing service is not available", retry_after=1)
