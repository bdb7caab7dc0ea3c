from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import dataclass

import pytest
from aiokafka import TopicPartition
from kit.deadletters import DeadLetters, letters, until_end
from kit.delivery import Delivery, delivery_of
from kit.kafka import open_producer
from kit.settings import KafkaSettings
from kit.testing import MakeSettings, MakeTopics

TOPIC, GROUP = "things.v1", "test.things"


class Raw:
    """A record that came without any of our headers."""

    partition, offset, timestamp, key, value, headers = 2, 7, 1_000_000, b"key", b"\xff", ()


class Shelf:
    """A client of Kafka that holds all it has in one batch."""

    PLACE = TopicPartition("things.v1.test.things.dlq", 0)

    def __init__(self, letters: int) -> None:
        self._letters, self._read = letters, 0

    async def end_offsets(self, places: list[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, self._letters)

    async def position(self, place: TopicPartition) -> int:
        return self._read

    async def getmany(self, timeout_ms: int) -> dict[TopicPartition, list[Letter]]:
        self._read = self._letters
        return {self.PLACE: [Letter(self.PLACE.topic, offset) for offset in range(self._letters)]}


@dataclass
class Letter:
    topic: str
    offset: int
    partition: int = 0
    timestamp: int = 0
    key: bytes = b""
    value: bytes = b""
    headers: tuple[()] = ()


@pytest.fixture
def settings(make_settings: MakeSettings, topic_prefix: str) -> KafkaSettings:
    return make_settings(KafkaSettings, topic_prefix=topic_prefix)


async def command(settings: KafkaSettings, *arguments: str) -> str:
    environment = {
        **os.environ,
        "HELIOGRAPH_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "HELIOGRAPH_TOPIC_PREFIX": settings.topic_prefix,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "kit.deadletters", *arguments, env=environment, stdout=asyncio.subprocess.PIPE
    )
    out, _ = await process.communicate()
    assert process.returncode == 0
    return out.decode()


async def test_the_command_lists_and_replays(settings: KafkaSettings, make_topics: MakeTopics) -> None:
    await make_topics(TOPIC)
    delivery: Delivery = delivery_of(Raw(), TOPIC)
    async with open_producer(settings) as producer:
        await DeadLetters(settings, producer, GROUP).bury(delivery, ValueError("no"))
    listed = json.loads(await command(settings, "list", "--topic", TOPIC, "--group", GROUP))
    assert (listed["id"], listed["dead_reason"]) == ("things.v1/2/7", "ValueError: no")
    assert (listed["dead_partition"], listed["dead_offset"]) == ("2", "7")
    assert await command(settings, "replay", "--topic", TOPIC, "--group", GROUP) == "1 replayed\n"
    assert await command(settings, "replay", "--topic", TOPIC, "--group", GROUP) == "0 replayed\n"


async def test_whoever_takes_time_over_a_letter_gets_all_of_them() -> None:
    client = Shelf(letters=3)
    read = 0
    async for _ in until_end(client, [Shelf.PLACE], "", patience=0.05):
        await asyncio.sleep(0.1)
        read += 1
    assert read == 3


async def test_a_group_without_dead_letters_has_none(settings: KafkaSettings, make_topics: MakeTopics) -> None:
    assert await letters(settings, TOPIC, GROUP) == []
