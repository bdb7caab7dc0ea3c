"""What happens to a system while people use it: deaths, lost caches, events that come again, late and in any order."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.structs import ConsumerRecord
from devstack.testing import Stack
from kit.delivery import REPLAY_GROUP
from redis.asyncio import Redis

GROUPS = {
    "feed.fanout": ["post.v1"],
    "feed.follows": ["graph.v1"],
    "feed.erasures": ["user.v1"],
    "feed.views": ["graph.v1", "engagement.v1"],
}
_LANES = {"feed.small": ["fanout.small.v1"], "feed.large": ["fanout.large.v1"], "feed.late": ["fanout.warm.v1"]}
_SETTLED_SECONDS = 60.0


class Disturbances:
    """`kafka` is host:port; topics and groups carry the system's prefix."""

    def __init__(self, stack: Stack, kafka: str) -> None:
        self._stack, self._kafka, self._prefix = stack, kafka, stack.names.topics

    async def flush_redis(self) -> None:
        redis = Redis.from_url(self._stack.stores.redis_url)
        try:
            await redis.flushdb()
        finally:
            await redis.aclose()

    async def replay(self, chosen: random.Random, most: int = 12) -> int:
        """Some of the events so far come to the feed again, in any order. Answers how many."""
        async with self._producing() as producer:
            sent = 0
            for group, topics in GROUPS.items():
                records = [record for topic in topics for record in await self._all_of(topic)]
                again = chosen.sample(records, min(most, len(records)))
                for record in again:
                    headers = [*record.headers, (REPLAY_GROUP, group.encode())]
                    await producer.send_and_wait(record.topic, record.value, key=record.key, headers=headers)
                sent += len(again)
        return sent

    async def rebalance(self) -> None:
        """Another member joins every group of the fan-out, gets partitions, does nothing with them and leaves."""
        members = [self._member(group, topics) for group, topics in {**GROUPS, **_LANES}.items()]
        try:
            await asyncio.gather(*(member.start() for member in members))
            for member in members:
                await member.getmany(timeout_ms=100)
        finally:
            await asyncio.gather(*(member.stop() for member in members))

    async def settled(self) -> None:
        """Waits until every outbox is empty and the feed has handled every event."""
        end = time.monotonic() + _SETTLED_SECONDS
        while True:
            left = await self._unpublished() or await self._unhandled()
            if not left:
                return
            assert time.monotonic() < end, f"not settled: {left}"
            await asyncio.sleep(0.1)

    async def _unpublished(self) -> dict[str, int]:
        waiting: dict[str, int] = {}
        for service, dsn in self._stack.stores.postgres.items():
            connection = await asyncpg.connect(dsn)
            try:
                if await connection.fetchval("select to_regclass('outbox') is not null"):
                    waiting[service] = await connection.fetchval("select count(*) from outbox")
            finally:
                await connection.close()
        return {service: count for service, count in waiting.items() if count}

    async def _unhandled(self) -> dict[str, int]:
        """How far each group is behind. One by one, lanes last: what one group handles may be work for the next."""
        lags: dict[str, int] = {}
        admin = AIOKafkaAdminClient(bootstrap_servers=self._kafka)
        await admin.start()
        try:
            for group, topics in {**GROUPS, **_LANES}.items():
                done = await admin.list_consumer_group_offsets(self._prefix + group)
                ends = await self._ends(topics)
                lags[group] = sum(end - (done[place].offset if place in done else 0) for place, end in ends.items())
        finally:
            await admin.close()
        return {group: lag for group, lag in lags.items() if lag > 0}

    async def _ends(self, topics: list[str]) -> dict[TopicPartition, int]:
        async with self._reading() as reader:
            return await _ends_of(reader, await self._places(reader, topics))

    async def _all_of(self, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
        """Without those that were replayed: they would grow without end."""
        async with self._reading() as reader:
            places = await self._places(reader, [topic])
            ends = await _ends_of(reader, places)
            reader.assign(places)
            await reader.seek_to_beginning(*places)
            found: list[ConsumerRecord[bytes, bytes]] = []
            while any([await reader.position(place) < ends[place] for place in places]):
                for records in (await _fetched(reader)).values():
                    found += records
        return [record for record in found if REPLAY_GROUP not in dict(record.headers)]

    async def _places(self, reader: "AIOKafkaConsumer", topics: list[str]) -> list[TopicPartition]:
        names = [self._prefix + topic for topic in topics]
        await reader._client.set_topics(names)  # pyright: ignore[reportPrivateUsage]
        return [TopicPartition(name, part) for name in names for part in reader.partitions_for_topic(name) or ()]

    def _member(self, group: str, topics: list[str]) -> "AIOKafkaConsumer":
        return AIOKafkaConsumer(
            *(self._prefix + topic for topic in topics),
            bootstrap_servers=self._kafka,
            group_id=self._prefix + group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
        )

    @asynccontextmanager
    async def _reading(self) -> AsyncGenerator["AIOKafkaConsumer"]:
        reader = AIOKafkaConsumer(bootstrap_servers=self._kafka, enable_auto_commit=False)
        await reader.start()
        try:
            yield reader
        finally:
            await reader.stop()

    @asynccontextmanager
    async def _producing(self) -> AsyncGenerator[AIOKafkaProducer]:
        producer = AIOKafkaProducer(bootstrap_servers=self._kafka)
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()


async def _ends_of(reader: Any, places: list[TopicPartition]) -> dict[TopicPartition, int]:
    return await reader.end_offsets(places)


async def _fetched(reader: Any) -> dict[TopicPartition, list[ConsumerRecord[bytes, bytes]]]:
    return await reader.getmany(timeout_ms=200)
