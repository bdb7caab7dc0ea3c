"""Dead letters: deliveries that a group gave up, kept in `<topic>.<group>.dlq` with the reason, listed and replayed by

    python -m kit.deadletters list|replay --topic post.v1 --group post.counters

A replayed letter goes back to its topic under its first id, marked so that no other group takes it again.
"""

import argparse
import asyncio
import json
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from kit import log
from kit.brokers import reached
from kit.delivery import REPLAY_GROUP, Delivery, delivery_of
from kit.kafka import Message, Producer, bare_name, create_topics, full_name, open_producer, partition_count
from kit.outage import outlast
from kit.settings import KafkaSettings, load

_MARKS = ("dead_reason", "dead_topic", "dead_partition", "dead_offset", "dead_at")
_RETENTION = {"retention.ms": str(30 * 24 * 3600 * 1000)}
_PATIENCE_SECONDS = 10.0

logger = log.get(__name__)


def queue_of(topic: str, group: str) -> str:
    return f"{topic}.{group}.dlq"


class DeadLetters:
    """Where one group's dead letters go."""

    def __init__(self, settings: KafkaSettings, producer: Producer, group: str) -> None:
        self._settings, self._producer, self._group = settings, producer, group
        self._made: set[str] = set()

    async def bury(self, delivery: Delivery, error: Exception) -> None:
        """Returns when the letter is kept; waits out an outage of Kafka."""
        reason = f"{type(error).__name__}: {error}"[:500]
        logger.error("event buried", event_id=delivery.id, topic=delivery.topic, group=self._group, reason=reason)
        await outlast(lambda: self._keep(delivery, reason), what="dead letter")

    async def _keep(self, delivery: Delivery, reason: str) -> None:
        queue = queue_of(delivery.topic, self._group)
        if queue not in self._made:
            name = full_name(queue, self._settings.topic_prefix)
            await create_topics(self._settings, {name: 1}, settings=_RETENTION)
            self._made.add(queue)
        place = (delivery.topic, delivery.partition, delivery.offset, datetime.now(UTC).isoformat())
        marks = tuple((mark, str(value).encode()) for mark, value in zip(_MARKS, (reason, *place), strict=True))
        await self._producer.send(_message(delivery, queue, marks))


async def letters(settings: KafkaSettings, topic: str, group: str) -> list[Delivery]:
    """All that are kept, replayed ones too."""
    async with _reading(settings, topic, group) as (client, partitions):
        if partitions:
            await client.seek_to_beginning(*partitions)
        return [letter async for letter in until_end(client, partitions, settings.topic_prefix)]


async def replay(settings: KafkaSettings, topic: str, group: str) -> int:
    """Sends back what was not replayed before, in order, and answers how much that was."""
    count = 0
    async with open_producer(settings) as producer, _reading(settings, topic, group) as (client, partitions):
        async for letter in until_end(client, partitions, settings.topic_prefix):
            origin = letter.header("dead_topic") or topic
            await producer.send(_message(letter, origin, ((REPLAY_GROUP, group.encode()),)))
            await client.commit({TopicPartition(_full(settings, topic, group), letter.partition): letter.offset + 1})
            count += 1
    return count


def _message(delivery: Delivery, topic: str, marks: tuple[tuple[str, bytes], ...]) -> Message:
    """The delivery's own message under another topic: same id, time and trace, other marks."""
    drop = {*_MARKS, REPLAY_GROUP}
    kept = tuple((key, value) for key, value in delivery.headers if key not in drop and not key.startswith("ce_"))
    return Message(
        topic=topic,
        key=delivery.key,
        type=delivery.type,
        value=delivery.value,
        source=delivery.header("ce_source"),
        id=delivery.id,
        time=delivery.time,
        extra=(*kept, *marks),
    )


def _full(settings: KafkaSettings, topic: str, group: str) -> str:
    return full_name(queue_of(topic, group), settings.topic_prefix)


@asynccontextmanager
async def _reading(settings: KafkaSettings, topic: str, group: str) -> AsyncGenerator[tuple[Any, list[TopicPartition]]]:
    """A client on every partition of the queue, at what the last replay committed."""
    name = _full(settings, topic, group)
    client: Any = AIOKafkaConsumer(
        **reached(settings),
        group_id=full_name(f"{group}.replay", settings.topic_prefix),
        enable_auto_commit=False,
        auto_offset_reset="earliest",
    )
    try:
        await client.start()
        count = await partition_count(settings, name)
        partitions = [TopicPartition(name, number) for number in range(count)]
        client.assign(partitions)
        yield client, partitions
    finally:
        await client.stop()


async def until_end(
    client: Any, partitions: list[TopicPartition], prefix: str, *, patience: float = _PATIENCE_SECONDS
) -> AsyncGenerator[Delivery]:
    """What was in the queue at the start, so that a letter that dies again does not go round for ever. Raises
    TimeoutError when Kafka keeps silent for `patience` seconds."""
    if not partitions:
        return
    ends = await client.end_offsets(partitions)
    while True:
        async with asyncio.timeout(patience):  # around our own waiting alone: what a letter costs is the reader's time
            if not any([await client.position(partition) < ends[partition] for partition in partitions]):
                return
            found = await client.getmany(timeout_ms=500)
        for partition, records in found.items():
            for record in records:
                if record.offset < ends[partition]:
                    yield delivery_of(record, bare_name(record.topic, prefix))


def _line(letter: Delivery) -> str:
    named = {mark: letter.header(mark) for mark in _MARKS}
    return json.dumps({"offset": letter.offset, "id": letter.id, "type": letter.type, "key": letter.key, **named})


async def _main(arguments: argparse.Namespace) -> None:
    settings = load(KafkaSettings)
    topic = bare_name(arguments.topic, settings.topic_prefix)
    if arguments.command == "replay":
        sys.stdout.write(f"{await replay(settings, topic, arguments.group)} replayed\n")
        return
    for letter in await letters(settings, topic, arguments.group):
        sys.stdout.write(_line(letter) + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m kit.deadletters", description="List or replay dead letters.")
    parser.add_argument("command", choices=["list", "replay"])
    parser.add_argument("--topic", required=True, help="the events' topic, such as post.v1")
    parser.add_argument("--group", required=True, help="the consumer group that gave up, such as post.counters")
    return parser.parse_args()


if __name__ == "__main__":
    asyncio.run(_main(_arguments()))
