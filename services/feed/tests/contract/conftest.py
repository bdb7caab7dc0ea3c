from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio
from kit.kafka import open_producer
from kit.settings import KafkaSettings
from kit.testing import MakeKeyspace, MakeSettings, MakeTopics

from services.feed.tests.contract.system import TOPICS, System

MIGRATIONS = Path(__file__).parents[2] / "migrations" / "cassandra"


@pytest_asyncio.fixture
async def system(
    servers: dict[str, str],
    make_keyspace: MakeKeyspace,
    make_settings: MakeSettings,
    make_topics: MakeTopics,
    topic_prefix: str,
    redis_url: str,
    tmp_path: Path,
) -> AsyncGenerator[System]:
    await make_topics(*TOPICS)
    variables = {
        **servers,
        "HELIOGRAPH_CASSANDRA_KEYSPACE": await make_keyspace(MIGRATIONS),
        "HELIOGRAPH_REDIS_URL": redis_url,
        "HELIOGRAPH_TOPIC_PREFIX": topic_prefix,
        "HELIOGRAPH_FANOUT_PAGE": "40",
    }
    async with (
        open_producer(make_settings(KafkaSettings, topic_prefix=topic_prefix)) as producer,
        System(variables, producer, tmp_path).peers() as ready,
    ):
        yield ready
