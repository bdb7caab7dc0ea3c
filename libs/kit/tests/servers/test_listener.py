import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from kit.consumer import Delivery, Undecodable
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


class Ear:
    def __init__(self, settings: KafkaSettings) -> None:
        self.heard: list[tuple[str, bytes]] = []
        self.missed = 0
        self.listener = Listener(settings, topics=TOPICS, handle=self, missed=self._miss)

    async def __call__(self, delivery: Delivery) -> None:
        if delivery.value == b"noise":
            raise Undecodable("noise")
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
    assert first.missed == 1


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
