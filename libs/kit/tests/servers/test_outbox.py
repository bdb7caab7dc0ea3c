import asyncio
import json
import os
import signal
import sys
from collections import defaultdict
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from kit.errors import Unavailable
from kit.kafka import Producer, full_name, open_producer
from kit.outbox import LOCK_SPACE, Event, Outbox, lane_of
from kit.postgres import Postgres, open_postgres
from kit.settings import KafkaSettings, PostgresSettings
from kit.testing import MakeDatabase, MakeSettings, MakeTopics, eventually

VERSIONS = Path(__file__).parent / "versions"
TOPIC = "things.v1"


class OutboxSettings(PostgresSettings, KafkaSettings):
    pass


@pytest.fixture
async def settings(make_database: MakeDatabase, make_settings: MakeSettings, topic_prefix: str) -> OutboxSettings:
    return make_settings(OutboxSettings, postgres_dsn=await make_database(VERSIONS), topic_prefix=topic_prefix)


@asynccontextmanager
async def opened(settings: OutboxSettings) -> AsyncGenerator[tuple[Postgres, Producer]]:
    async with open_postgres(settings) as postgres, open_producer(settings) as producer:
        yield postgres, producer


@asynccontextmanager
async def relaying(*outboxes: Outbox) -> AsyncGenerator[None]:
    tasks = [asyncio.create_task(outbox.run()) for outbox in outboxes]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def write(outbox: Outbox, key: str, number: int) -> None:
    async with outbox.transaction() as transaction:
        # The aggregate's lock: here an advisory one, in services its row.
        await transaction.conn.execute("select pg_advisory_xact_lock(hashtext($1))", key)
        value = await transaction.conn.fetchval("select next_id()")
        payload = json.dumps({"change": value, "number": number}).encode()
        await transaction.emit(Event(topic=TOPIC, key=key, type="changed", payload=payload, shard=1))


async def depth(postgres: Postgres) -> int:
    return await postgres.primary.fetchval("select count(*) from outbox")


async def empty(postgres: Postgres) -> bool:
    return await depth(postgres) == 0


async def published(settings: KafkaSettings, count: int) -> list[Any]:
    """At least `count` records, and whatever else is there."""
    client: Any = AIOKafkaConsumer(
        full_name(TOPIC, settings.topic_prefix),
        bootstrap_servers=settings.kafka_bootstrap,
        auto_offset_reset="earliest",
    )
    records: list[Any] = []
    await client.start()
    try:
        async with asyncio.timeout(20):
            while len(records) < count:
                for batch in (await client.getmany(timeout_ms=300)).values():
                    records += batch
        for batch in (await client.getmany(timeout_ms=500)).values():
            records += batch
    finally:
        await client.stop()
    return records


def header(record: Any, name: str) -> str:
    return dict(record.headers)[name].decode()


async def test_relays_keep_the_order_of_each_key_under_concurrent_writers(
    settings: OutboxSettings, make_topics: MakeTopics
) -> None:
    await make_topics(TOPIC)
    async with opened(settings) as (postgres, producer), open_producer(settings) as second:
        outboxes = [Outbox(postgres, each, source="test") for each in (producer, second)]
        async with relaying(*outboxes):
            await asyncio.gather(*(write(outboxes[n % 2], f"key{n % 7}", n) for n in range(400)))
            await eventually(lambda: empty(postgres))
    changes: dict[bytes, list[int]] = defaultdict(list)
    for record in await published(settings, 400):
        changes[record.key].append(json.loads(record.value)["change"])
    assert sum(map(len, changes.values())) == 400
    assert all(of_key == sorted(of_key) for of_key in changes.values())


async def test_an_event_carries_cloudevents_headers(settings: OutboxSettings, make_topics: MakeTopics) -> None:
    await make_topics(TOPIC)
    async with opened(settings) as (postgres, producer):
        outbox = Outbox(postgres, producer, source="test")
        async with relaying(outbox):
            await write(outbox, "a", 1)
            await eventually(lambda: empty(postgres))
    (record,) = await published(settings, 1)
    named = {name: value.decode() for name, value in record.headers}
    assert (named["ce_specversion"], named["ce_type"], named["ce_source"]) == ("1.0", "changed", "test")
    assert {"ce_id", "ce_time"} <= set(named)


async def test_what_was_committed_is_waited_for_and_nothing_that_comes_later(
    settings: OutboxSettings, make_topics: MakeTopics
) -> None:
    await make_topics(TOPIC)
    async with opened(settings) as (postgres, producer):
        outbox, other = (Outbox(postgres, producer, source="test") for _ in range(2))
        await asyncio.wait_for(outbox.published(), 5)
        await asyncio.gather(*(write(outbox, f"key{n}", n) for n in range(20)))
        for _ in range(2):
            with pytest.raises(Unavailable, match="NOT_PUBLISHED"):
                await asyncio.wait_for(asyncio.gather(*(outbox.published() for _ in range(10))), 5)

        async def is_published() -> bool:
            with suppress(Unavailable):
                await outbox.published()
                return True
            return False

        async with relaying(other):
            await eventually(is_published)
        assert await depth(postgres) == 0
        assert len(await published(settings, 20)) == 20

        async def write_on() -> None:
            for number in range(10_000):
                await write(other, f"key{number}", number)

        async with relaying(other):
            writing = asyncio.create_task(write_on())
            for _ in range(10):
                await eventually(is_published)
            assert not writing.done()
            writing.cancel()
            await asyncio.gather(writing, return_exceptions=True)


async def test_a_rolled_back_transaction_emits_nothing(settings: OutboxSettings) -> None:
    async with opened(settings) as (postgres, producer):
        outbox = Outbox(postgres, producer, source="test")
        with suppress(KeyError):
            async with outbox.transaction() as transaction:
                await transaction.emit(Event(topic=TOPIC, key="a", type="changed", payload=b"", shard=1))
                raise KeyError
        assert await depth(postgres) == 0


async def test_rows_wait_while_kafka_is_unreachable_and_go_when_it_is_back(
    settings: OutboxSettings, make_topics: MakeTopics
) -> None:
    await make_topics(TOPIC)
    unreachable = settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})
    async with opened(unreachable) as (postgres, producer):
        outbox = Outbox(postgres, producer, source="test")
        async with relaying(outbox):
            await asyncio.gather(*(write(outbox, f"key{n}", n) for n in range(20)))
            await asyncio.sleep(0.5)  # the relay gets its chance to lose them
            assert await depth(postgres) == 20
    async with opened(settings) as (postgres, producer), relaying(Outbox(postgres, producer, source="test")):
        await eventually(lambda: empty(postgres))
    assert len(await published(settings, 20)) == 20


async def test_the_relay_does_not_queue_behind_requests(settings: OutboxSettings, make_topics: MakeTopics) -> None:
    await make_topics(TOPIC)
    narrow = settings.model_copy(update={"postgres_pool_size": 1})
    async with opened(narrow) as (postgres, producer), opened(settings) as (others, _):
        outbox = Outbox(postgres, producer, source="test")
        await write(outbox, "a", 1)
        async with postgres.primary.acquire(), relaying(outbox):
            await eventually(lambda: empty(others))


async def test_a_lane_that_another_relay_has_does_not_hold_up_the_rest(
    settings: OutboxSettings, make_topics: MakeTopics
) -> None:
    await make_topics(TOPIC)
    keys = {lane_of(f"key{n}"): f"key{n}" for n in range(40)}
    async with opened(settings) as (postgres, producer):
        outbox = Outbox(postgres, producer, source="test")
        async with relaying(outbox):
            async with postgres.primary.transaction() as other:
                await other.execute("select pg_advisory_xact_lock($1, 2)", LOCK_SPACE)
                for number, key in enumerate(keys.values()):
                    await write(outbox, key, number)
                await eventually(lambda: left(postgres, [2]))
            await eventually(lambda: empty(postgres))


async def left(postgres: Postgres, lanes: list[int]) -> bool:
    """Whether these are the lanes in which something waits."""
    rows = await postgres.primary.fetch("select distinct lane from outbox order by lane")
    return [row["lane"] for row in rows] == lanes


RELAY = """
import asyncio, sys
from kit.kafka import open_producer
from kit.outbox import Outbox
from kit.postgres import open_postgres
from kit.settings import KafkaSettings, PostgresSettings, load
class Settings(PostgresSettings, KafkaSettings): pass
async def main():
    settings = load(Settings)
    async with open_postgres(settings) as postgres, open_producer(settings) as producer:
        await Outbox(postgres, producer, source="test").run()
asyncio.run(main())
"""


async def test_a_relay_killed_after_publishing_sends_again_under_the_same_ids(
    settings: OutboxSettings, make_topics: MakeTopics, tmp_path: Path
) -> None:
    await make_topics(TOPIC)
    environment = {
        **os.environ,
        "HELIOGRAPH_POSTGRES_DSN": settings.postgres_dsn.get_secret_value(),
        "HELIOGRAPH_KAFKA_BOOTSTRAP": settings.kafka_bootstrap,
        "HELIOGRAPH_TOPIC_PREFIX": settings.topic_prefix,
        "HELIOGRAPH_FAULT": f"relay_after_publish:{tmp_path / 'marker'}",
    }
    async with opened(settings) as (postgres, producer):
        outbox = Outbox(postgres, producer, source="test")
        await asyncio.gather(*(write(outbox, "one key", n) for n in range(10)))
        first = await asyncio.create_subprocess_exec(sys.executable, "-c", RELAY, env=environment)
        assert await asyncio.wait_for(first.wait(), 30) == -signal.SIGKILL
        assert await depth(postgres) == 10
        second = await asyncio.create_subprocess_exec(sys.executable, "-c", RELAY, env=environment)
        await eventually(lambda: empty(postgres), timeout=30)
        second.terminate()
        await second.wait()
    ids = [header(record, "ce_id") for record in await published(settings, 20)]
    assert len(set(ids)) == 10
    assert ids == ids[:10] * 2
