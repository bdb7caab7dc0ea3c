"""Redis, Kafka, S3 and Elasticsearch, each with a part of its own for a test."""

import json
import secrets
import urllib.request
from collections.abc import AsyncGenerator, Iterator
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import pytest
import pytest_asyncio
from aiokafka.admin import AIOKafkaAdminClient
from redis.asyncio import Redis

from kit.kafka import create_topics, full_name
from kit.testing.waiting import eventually

_LAST_DATABASE = 15
_LEASE_SECONDS = 900


class MakeTopics(Protocol):
    """Makes topics by their bare names under this test's prefix."""

    async def __call__(self, *names: str, partitions: int = 3) -> None: ...


@pytest_asyncio.fixture
async def redis_url(servers: dict[str, str]) -> AsyncGenerator[str]:
    """A logical database of this test's own, empty. Database 0 holds nothing but who has which."""
    shared = servers["HELIOGRAPH_REDIS_URL"]
    async with Redis.from_url(shared) as leases:
        number = await eventually(lambda: _lease(leases), timeout=60)
        url = urlunsplit(urlsplit(shared)._replace(path=f"/{number}"))
        async with Redis.from_url(url) as mine:
            await mine.flushdb()
            yield url
            await mine.flushdb()
        await leases.delete(_lease_key(number))


@pytest.fixture
def topic_prefix() -> str:
    return f"t{secrets.token_hex(4)}."


@pytest_asyncio.fixture
async def make_topics(servers: dict[str, str], topic_prefix: str) -> AsyncGenerator[MakeTopics]:
    bootstrap = servers["HELIOGRAPH_KAFKA_BOOTSTRAP"]

    async def make(*names: str, partitions: int = 3) -> None:
        await create_topics(bootstrap, {full_name(name, topic_prefix): partitions for name in names})

    yield make
    await _delete_topics(bootstrap, topic_prefix)


@pytest.fixture(scope="session")
def s3_client(servers: dict[str, str]) -> Any:
    """Behind bucket: to make one takes longer than what it does there."""
    import boto3  # an extra that only some services install

    return boto3.client(
        "s3",
        endpoint_url=servers["HELIOGRAPH_S3_ENDPOINT"],
        region_name=servers["HELIOGRAPH_S3_REGION"],
        aws_access_key_id=servers["HELIOGRAPH_S3_ACCESS_KEY"],
        aws_secret_access_key=servers["HELIOGRAPH_S3_SECRET_KEY"],
    )


@pytest.fixture
def bucket(s3_client: Any) -> Iterator[str]:
    """The name of an empty bucket."""
    name = f"test-{secrets.token_hex(8)}"
    s3_client.create_bucket(Bucket=name)
    yield name
    for page in s3_client.get_paginator("list_objects_v2").paginate(Bucket=name):
        for entry in page.get("Contents", []):
            s3_client.delete_object(Bucket=name, Key=entry["Key"])
    s3_client.delete_bucket(Bucket=name)


@pytest.fixture
def index_prefix(servers: dict[str, str]) -> Iterator[str]:
    """Indices whose names begin with it are deleted after the test."""
    base, prefix = servers["HELIOGRAPH_ELASTICSEARCH_URL"], f"test{secrets.token_hex(8)}"
    yield prefix
    with urllib.request.urlopen(f"{base}/_cat/indices/{prefix}*?format=json") as answer:  # noqa: S310 our own server
        names = [row["index"] for row in json.load(answer)]
    for name in names:
        urllib.request.urlopen(urllib.request.Request(f"{base}/{name}", method="DELETE")).close()  # noqa: S310 our own server


async def _lease(leases: Redis) -> int | None:
    numbers = list(range(1, _LAST_DATABASE + 1))
    secrets.SystemRandom().shuffle(numbers)
    for number in numbers:
        if await leases.set(_lease_key(number), 1, nx=True, ex=_LEASE_SECONDS):
            return number
    return None


def _lease_key(number: int) -> str:
    return f"test:lease:{number}"


async def _delete_topics(bootstrap: str, prefix: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        names = [name for name in await admin.list_topics() if name.startswith(prefix)]
        if names:
            await admin.delete_topics(names)
    finally:
        await admin.close()
