"""From a commit to Kafka's acknowledgement: the outbox and its relay as every service runs them, with a
database and a topic of their own."""

import asyncio
import time
import uuid
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from kit.kafka import Message, Producer
from kit.migrations import NEXT_ID_V1, OUTBOX_V1
from kit.outbox import Event, Outbox
from kit.postgres import open_postgres
from kit.settings import PostgresSettings

from bench.measure import Result, result

SECONDS, RUNS = 6.0, 5
_KEYS, _TOPIC, _PARTITIONS = 200, "things.v1", 6


class Timed(Producer):
    """Notes when Kafka has acknowledged each event, by its payload."""

    def __init__(self, bootstrap: str, topic_prefix: str) -> None:
        super().__init__(bootstrap, topic_prefix)
        self.acknowledged: dict[bytes, float] = {}

    async def publish(self, messages: Sequence[Message]) -> None:
        await super().publish(messages)
        now = time.perf_counter()
        self.acknowledged.update((message.value, now) for message in messages)


async def relay(admin_dsn: str, bootstrap: str, rate: int = 500) -> list[Result]:
    """The p99 of each run, and its median run."""
    prefix = f"bench-{uuid.uuid4().hex[:8]}."
    async with (
        _database(admin_dsn) as dsn,
        _topic(bootstrap, prefix + _TOPIC),
        open_postgres(_settings(dsn)) as postgres,
    ):
        producer = Timed(bootstrap, prefix)
        outbox = Outbox(postgres, producer, source="bench")
        relaying = asyncio.create_task(outbox.run())
        try:
            await _run(outbox, producer, rate, 2.0)  # warm-up
            found = [sorted(await _run(outbox, producer, rate, SECONDS)) for _ in range(RUNS)]
        finally:
            relaying.cancel()
            await asyncio.gather(relaying, return_exceptions=True)
            await producer.close()
    return [
        result("relay_p99_ms", "ms", [delays[int(len(delays) * 0.99)] * 1000 for delays in found]),
        result("relay_p50_ms", "ms", [delays[len(delays) // 2] * 1000 for delays in found]),
    ]


async def _run(outbox: Outbox, producer: Timed, rate: int, seconds: float) -> list[float]:
    """Open loop: each write begins when it is due, whatever became of those before."""
    committed: dict[bytes, float] = {}
    began = time.perf_counter()

    async def write(number: int) -> None:
        payload = uuid.uuid4().bytes * 8
        async with outbox.transaction() as transaction:
            key = str(number % _KEYS)
            await transaction.emit(Event(topic=_TOPIC, key=key, type="changed", payload=payload, shard=1))
        committed[payload] = time.perf_counter()

    async with asyncio.TaskGroup() as group:
        for number in range(int(rate * seconds)):
            await asyncio.sleep(max(0.0, began + number / rate - time.perf_counter()))
            group.create_task(write(number))
    async with asyncio.timeout(30):
        while not committed.keys() <= producer.acknowledged.keys():  # noqa: ASYNC110 it is bounded
            await asyncio.sleep(0.01)
    # An event may be acknowledged before its writer is told that it has committed.
    return [max(0.0, producer.acknowledged[payload] - at) for payload, at in committed.items()]


@asynccontextmanager
async def _topic(bootstrap: str, name: str) -> AsyncGenerator[None]:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.create_topics([NewTopic(name, _PARTITIONS, 1)])
        yield
        await admin.delete_topics([name])
    finally:
        await admin.close()


@asynccontextmanager
async def _database(admin_dsn: str) -> AsyncGenerator[str]:
    name = f"bench_relay_{uuid.uuid4().hex[:8]}"
    admin = await asyncpg.connect(admin_dsn)
    await admin.execute(f"create database {name}")
    dsn = f"{admin_dsn.rpartition('/')[0]}/{name}"
    try:
        own = await asyncpg.connect(dsn)
        await own.execute(NEXT_ID_V1)
        await own.execute(OUTBOX_V1)
        await own.close()
        yield dsn
    finally:
        await admin.execute(f"drop database {name} with (force)")
        await admin.close()


def _settings(dsn: str) -> PostgresSettings:
    return PostgresSettings.model_validate({"postgres_dsn": dsn})
