import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, RecordsToDelete
from kit.consumer import Delivery, Undecodable
from kit.errors import Unavailable
from kit.kafka import Message, Producer, create_topics, full_name, open_producer
from kit.listener import Listener
from kit.settings import KafkaSettings
from kit.testing import MakeSettings, MakeTopics, eventually

TOPICS = ["things.v1", "people.v1"]


@pytest.fixture
def settings(make_settings: MakeSettings, topic_prefix: str) -> KafkaSettings:
    return make_settings(KafkaSettings, topic_prefix=topic_prefix)


@pytest.fixture
async def producer(settings: KafkaSettings) -> AsyncGenerator[Producer]:
    async with open_producer(settings) as producer:
        yield producer


@pytest.fixture
async def admin(settings: KafkaSettings) -> AsyncGenerator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    await client.start()
    yield client
    await client.close()


class Ear:
    def __init__(self, settings: KafkaSettings) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.missed = 0
        self.open = asyncio.Event()
        self.open.set()
        self.listener = Listener(settings, topics=TOPICS, handle=self, missed=self._miss)

    async def __call__(self, delivery: Delivery) -> None:
        if delivery.value == b"noise":
            raise Undecodable("noise")
        await self.open.wait()
        self.heard.append((delivery.topic, delivery.value))

    def _miss(self) -> None:
        self.missed += 1

    @asynccontextmanager
    async def listening(self) -> AsyncGenerator[None]:
        task = asyncio.create_task(self.listener.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def listens(self) -> bool:
        return self.missed > 0

    async def has(self, *values: bytes) -> bool:
        return [value for _, value in self.heard] == list(values)


def said(value: bytes, topic: str = "things.v1") -> Message:
    return Message(topic, "one", "said", value)


async def test_everyone_hears_everything_from_when_they_began_to_listen(
    settings: KafkaSettings, producer: Producer, make_topics: MakeTopics
) -> None:
    await make_topics(*TOPICS)
    await producer.send(said(b"before"))
    first, second = Ear(settings), Ear(settings)
    async with first.listening(), second.listening():
        await eventually(first.listens)
        await eventually(second.listens)
        await producer.publish([said(b"1"), said(b"noise"), said(b"2")])

        await eventually(lambda: first.has(b"1", b"2"))
        await eventually(lambda: second.has(b"1", b"2"))
        await producer.send(said(b"3", "people.v1"))
        await eventually(lambda: first.has(b"1", b"2", b"3"))
    assert first.heard[-1] == ("people.v1", b"3")
    assert first.missed == 2  # at the beginning, and for the noise


async def test_all_is_heard_once_what_kafka_has_is_handled(
    settings: KafkaSettings, producer: Producer, make_topics: MakeTopics
) -> None:
    await make_topics(*TOPICS)
    await producer.send(said(b"before"))
    ear = Ear(settings)
    with pytest.raises(Unavailable, match="NOT_LISTENING"):
        await ear.listener.heard()
    async with ear.listening():
        await eventually(ear.listens)
        await ear.listener.heard()
        ear.open.clear()
        await producer.publish([said(b"1"), said(b"noise"), said(b"2"), said(b"3", "people.v1")])

        hearing = asyncio.create_task(ear.listener.heard())
        _, waiting = await asyncio.wait([hearing], timeout=0.5)
        assert waiting
        assert ear.heard == []

        ear.open.set()
        await asyncio.wait_for(hearing, 10)
        assert sorted(value for _, value in ear.heard) == [b"1", b"2", b"3"]


async def test_what_is_gone_before_it_was_heard_is_missed(
    settings: KafkaSettings, producer: Producer, make_topics: MakeTopics, admin: AIOKafkaAdminClient
) -> None:
    await make_topics(*TOPICS, partitions=1)
    ear = Ear(settings)
    async with ear.listening():
        await eventually(ear.listens)
        ear.open.clear()
        await producer.send(said(b"1"))
        await asyncio.sleep(0.5)  # by now it is being handled, and the next one fetched ahead
        await producer.send(said(b"2"))
        await asyncio.sleep(0.5)
        await producer.publish([said(b"3"), said(b"4")])
        place = TopicPartition(full_name("things.v1", settings.topic_prefix), 0)
        await admin.delete_records({place: RecordsToDelete(before_offset=4)})
        ear.open.set()
        await eventually(lambda: _is(len(ear.heard) >= 2))
        assert ear.missed == 1

        async def is_missed() -> bool:
            await producer.send(said(b"5"))
            return ear.missed == 2

        await eventually(is_missed, timeout=30)
        assert (b"3" in {value for _, value in ear.heard}) is False


async def test_a_partition_that_is_added_makes_it_begin_anew(
    settings: KafkaSettings, producer: Producer, make_topics: MakeTopics, admin: AIOKafkaAdminClient
) -> None:
    await make_topics(*TOPICS, partitions=1)
    ear = Ear(settings)
    async with ear.listening():
        await eventually(ear.listens)
        await admin.create_partitions({full_name("things.v1", settings.topic_prefix): NewPartitions(total_count=4)})
        await eventually(lambda: _is(ear.missed >= 2), timeout=30)

        keys = [str(number) for number in range(20)]
        await producer.publish([Message("things.v1", key, "said", key.encode()) for key in keys])
        await asyncio.wait_for(ear.listener.heard(), 10)
        assert sorted(value.decode() for _, value in ear.heard) == sorted(keys)


async def test_who_listens_again_is_told_that_events_were_missed(
    settings: KafkaSettings, producer: Producer, make_topics: MakeTopics
) -> None:
    await make_topics(*TOPICS)
    ear = Ear(settings)
    async with ear.listening():
        await eventually(ear.listens)
    await producer.send(said(b"unheard"))
    async with ear.listening():
        await eventually(lambda: _is(ear.missed == 2))
        await producer.send(said(b"heard"))
        await eventually(lambda: ear.has(b"heard"))


async def test_a_topic_that_comes_later_is_listened_to(settings: KafkaSettings, producer: Producer) -> None:
    ear = Ear(settings)
    async with ear.listening():
        await asyncio.sleep(0.3)
        assert ear.missed == 0
        names = {full_name(topic, settings.topic_prefix): 2 for topic in TOPICS}
        await create_topics(settings.kafka_bootstrap, names)
        await eventually(ear.listens, timeout=30)
        await producer.send(said(b"1"))

        await eventually(lambda: ear.has(b"1"))


async def test_without_kafka_it_waits(settings: KafkaSettings) -> None:
    ear = Ear(settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"}))
    async with ear.listening():
        await asyncio.sleep(0.3)
        assert ear.missed == 0


async def _is(found: bool) -> bool:
    return found
