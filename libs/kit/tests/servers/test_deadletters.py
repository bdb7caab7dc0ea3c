import asyncio
import json
import os
import sys

import pytest
from kit.deadletters import DeadLetters, letters
from kit.delivery import Delivery, delivery_of
from kit.kafka import open_producer
from kit.settings import KafkaSettings
from kit.testing import MakeSettings, MakeTopics

TOPIC, GROUP = "things.v1", "test.things"


class Raw:
    """A record that came without any of our headers."""

    partition, offset, timestamp, key, value, headers = 2, 7, 1_000_000, b"key", b"\xff", ()


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


async def test_a_group_without_dead_letters_has_none(settings: KafkaSettings, make_topics: MakeTopics) -> None:
    assert await letters(settings, TOPIC, GROUP) == []
