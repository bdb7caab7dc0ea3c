import asyncio
import random
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer
from kit.consumer import Consumer, Delivery, Handle, Undecodable
from kit.deadletters import letters, replay
from kit.errors import Unavailable
from kit.kafka import Message, Producer, open_producer
from kit.settings import KafkaSettings
from kit.testing import MakeSettings, MakeTopics, eventually

TOPIC = "things.v1"
GROUP = "test.things"


@pytest.fixture
def settings(make_settings: MakeSettings, topic_prefix: str) -> KafkaSettings:
    return make_settings(KafkaSettings, topic_prefix=topic_prefix)


@pytest.fixture
async def producer(settings: KafkaSettings) -> AsyncGenerator[Producer]:
    async with open_producer(settings) as producer:
        yield producer


def messages(count: int, keys: int = 5) -> list[Message]:
    return [Message(TOPIC, f"key{n % keys}", "changed", str(n).encode()) for n in range(count)]


@asynccontextmanager
async def consuming(consumer: Consumer) -> AsyncGenerator[None]:
    task = asyncio.create_task(consumer.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Seen:
    """A handler that remembers, and fails as it is told."""

    def __init__(self, fault: Exception | None = None, of: bytes = b"", times: int = 1_000_000) -> None:
        self.values: list[bytes] = []
        self.attempts: Counter[bytes] = Counter()
        self.by_key: dict[str, list[int]] = defaultdict(list)
        self._fault, self._of, self._times = fault, of, times

    async def __call__(self, delivery: Delivery) -> None:
        self.attempts[delivery.value] += 1
        await asyncio.sleep(random.uniform(0, 0.003))  # so that a lack of order would show
        if self._fault and delivery.value == self._of and self.attempts[delivery.value] <= self._times:
            raise self._fault
        self.values.append(delivery.value)
        self.by_key[delivery.key].append(int(delivery.value))

    async def has(self, count: int) -> bool:
        return len(set(self.values)) >= count


async def kept(settings: KafkaSettings) -> list[Delivery]:
    return await letters(settings, TOPIC, GROUP)


async def test_each_key_keeps_its_order(settings: KafkaSettings, producer: Producer, make_topics: MakeTopics) -> None:
    await make_topics(TOPIC)
    await producer.publish(messages(300))
    seen = Seen()
    async with consuming(Consumer(settings, group=GROUP, topics=[TOPIC], handle=seen)):
        await eventually(lambda: seen.has(300))
    assert len(seen.values) == 300
    assert all(numbers == sorted(numbers) for numbers in seen.by_key.values())


async def test_a_slow_key_does_not_hold_back_the_others(
    settings: KafkaSettings, producer: Producer, make_topics: MakeTopics
) -> None:
    await make_topics(TOPIC, partitions=1)
    await producer.publish(messages(50))
    seen = Seen(Unavailable("DOWN", "down"), of=b"0")
    async with consuming(Consumer(settings, group=GROUP, topics=[TOPIC], handle=seen)):
        await eventually(lambda: seen.has(40))
    assert seen.by_key["key0"] == []


async def test_what_was_committed_does_not_come_again(
    settings: KafkaSettings, producer: Producer, make_topics: MakeTopics
) -> None:
    await make_topics(TOPIC)
    await producer.publish(messages(20))
    first, second = Seen(), Seen()
    async with consuming(Consumer(settings, group=GROUP, topics=[TOPIC], handle=first)):
        await eventually(lambda: first.has(20))
    await producer.publish([Message(TOPIC, "later", "changed", b"999")])
    async with consuming(Consumer(settings, group=GROUP, topics=[TOPIC], handle=second)):
        await eventually(lambda: second.has(1))
    assert second.values == [b"999"]


async def test_an_outage_is_waited_out_however_long_it_lasts(
    settings: KafkaSettings, producer: Producer, make_topics: MakeTopics
) -> None:
    await make_topics(TOPIC)
    await producer.publish(messages(5))
    seen = Seen(ConnectionRefusedError(), of=b"3", times=4)
    async with consuming(Consumer(settings, group=GROUP, topics=[TOPIC], handle=seen, max_attempts=2)):
        await eventually(lambda: seen.has(5))
    assert seen.attempts[b"3"] == 5
    assert await kept(settings) == []


async def test_poison_is_buried_after_its_attempts_and_comes_back_at_a_replay_to_its_group_alone(
    settings: KafkaSettings, producer: Producer, make_topics: MakeTopics
) -> None:
    await make_topics(TOPIC, "unused")
    sent = messages(10)
    await producer.publish(sent)
    seen, others = Seen(ValueError("no"), of=b"4", times=3), Seen()
    consumer = Consumer(settings, group=GROUP, topics=[TOPIC], handle=seen, max_attempts=3)
    other = Consumer(settings, group="test.others", topics=[TOPIC], handle=others)
    async with consuming(consumer), consuming(other):
        await eventually(lambda: seen.has(9))
        (letter,) = await eventually(lambda: kept(settings))
        assert (letter.id, letter.header("dead_reason")) == (sent[4].id, "ValueError: no")
        assert letter.header("dead_topic") == TOPIC
        assert b"4" not in seen.values
        assert await replay(settings, TOPIC, GROUP) == 1
        assert await replay(settings, TOPIC, GROUP) == 0
        await eventually(lambda: seen.has(10))
        await producer.publish([Message(TOPIC, "key4", "changed", b"999")])
        await eventually(lambda: others.has(11))
    assert seen.attempts[b"4"] == 4
    assert others.attempts[b"4"] == 1


async def test_what_cannot_be_read_is_buried_at_once(
    settings: KafkaSettings, producer: Producer, make_topics: MakeTopics
) -> None:
    await make_topics(TOPIC)
    await producer.publish(messages(3))
    seen = Seen(Undecodable("not a Thing"), of=b"1")
    async with consuming(Consumer(settings, group=GROUP, topics=[TOPIC], handle=seen)):
        await eventually(lambda: seen.has(2))
        await eventually(lambda: kept(settings))
    assert seen.attempts[b"1"] == 1


async def test_nothing_is_lost_or_reordered_when_members_come_and_go(
    settings: KafkaSettings, producer: Producer, make_topics: MakeTopics
) -> None:
    await make_topics(TOPIC, partitions=6)
    together, members = Seen(), [Seen() for _ in range(3)]
    consumers = [Consumer(settings, group=GROUP, topics=[TOPIC], handle=both(member, together)) for member in members]
    everything = messages(900, keys=30)
    async with consuming(consumers[0]):
        await producer.publish(everything[:300])
        await eventually(lambda: members[0].has(50), timeout=20)
        async with consuming(consumers[1]):
            await producer.publish(everything[300:600])
            await eventually(lambda: together.has(600), timeout=20)
            await eventually(lambda: joined(producer, members[1]), timeout=20)
        async with consuming(consumers[2]):
            await producer.publish(everything[600:])
            await eventually(lambda: together.has(900), timeout=20)
            await eventually(lambda: joined(producer, members[2]), timeout=20)
    for numbers in together.by_key.values():
        first_seen = [number for number in dict.fromkeys(numbers) if number < 900]
        assert first_seen == sorted(first_seen)


def both(first: Seen, second: Seen) -> Handle:
    async def handle(delivery: Delivery) -> None:
        await first(delivery)
        await second(delivery)

    return handle


async def joined(producer: Producer, member: Seen) -> bool:
    """Sends more until the member has a part of it."""
    await producer.publish([Message(TOPIC, f"probe{n}", "changed", b"9999") for n in range(12)])
    await asyncio.sleep(0.1)
    return bool(member.values)


async def test_batches_come_in_order_and_poison_leaves_its_batch_alone(
    settings: KafkaSettings, producer: Producer, make_topics: MakeTopics
) -> None:
    await make_topics(TOPIC, partitions=1)
    await producer.publish(messages(120))
    done: list[int] = []
    sizes: list[int] = []

    async def handle_batch(batch: Sequence[Delivery]) -> None:
        if any(delivery.value == b"50" for delivery in batch):
            raise ValueError("no")
        sizes.append(len(batch))
        done.extend(int(delivery.value) for delivery in batch)

    async def finished() -> bool:
        return len(done) >= 119

    consumer = Consumer(settings, group=GROUP, topics=[TOPIC], handle_batch=handle_batch, batch_size=40, max_attempts=2)
    async with consuming(consumer):
        await eventually(finished)
        await eventually(lambda: kept(settings))
    assert done == [n for n in range(120) if n != 50]
    assert max(sizes) == 40


async def test_it_starts_before_its_topic_exists(
    settings: KafkaSettings, producer: Producer, make_topics: MakeTopics
) -> None:
    seen = Seen()
    async with consuming(Consumer(settings, group=GROUP, topics=[TOPIC], handle=seen)):
        await asyncio.sleep(0.5)  # it has joined and found nothing
        await make_topics(TOPIC)
        await producer.publish(messages(3))
        await eventually(lambda: seen.has(3), timeout=20)


async def test_a_full_backlog_stops_fetching_and_not_the_membership(
    settings: KafkaSettings, producer: Producer, make_topics: MakeTopics
) -> None:
    await make_topics(TOPIC, partitions=1)
    await producer.publish(messages(600, keys=600))
    gate = asyncio.Event()
    seen: list[Any] = []

    async def handle(delivery: Delivery) -> None:
        await gate.wait()
        seen.append(delivery.offset)

    async def finished() -> bool:
        return len(seen) == 600

    async with consuming(Consumer(settings, group=GROUP, topics=[TOPIC], handle=handle, max_backlog=20)):
        await asyncio.sleep(1)  # many polls
        assert not seen
        gate.set()
        await eventually(finished)


async def test_a_fetcher_that_has_ended_silently_is_found_out(
    settings: KafkaSettings, producer: Producer, make_topics: MakeTopics, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As aiokafka's does when something that it waits for is cancelled: the membership stays, and nothing comes."""
    clients: list[Any] = []

    def client(*args: Any, **options: Any) -> AIOKafkaConsumer:
        clients.append(AIOKafkaConsumer(*args, **options))
        return clients[-1]

    monkeypatch.setattr("kit.consumer.AIOKafkaConsumer", client)
    monkeypatch.setattr("kit.consumer._LOOK_SECONDS", 0.2)
    monkeypatch.setattr("kit.stalls._STALLED_SECONDS", 1.0)
    await make_topics(TOPIC, partitions=2)
    seen = Seen()
    async with consuming(Consumer(settings, group=GROUP, topics=[TOPIC], handle=seen)):
        await producer.publish(messages(10))
        await eventually(lambda: seen.has(10))
        await asyncio.sleep(1.5)  # longer than a stall, with nothing to fetch
        assert len(clients) == 1
        clients[0]._fetcher._fetch_task.cancel()
        for more in (range(10, 20), range(20, 30)):  # fetches that are under way bring the first of them
            await producer.publish([Message(TOPIC, f"key{n % 5}", "changed", str(n).encode()) for n in more])
            await asyncio.sleep(1)
        await eventually(lambda: seen.has(30), timeout=30)
    assert len(clients) == 2
    assert max(seen.attempts.values()) == 1


async def test_it_starts_while_kafka_is_down_and_stops_when_told(settings: KafkaSettings) -> None:
    down = settings.model_copy(update={"kafka_bootstrap": "127.0.0.1:1"})
    task = asyncio.create_task(Consumer(down, group=GROUP, topics=[TOPIC], handle=Seen()).run())
    done, _ = await asyncio.wait([task], timeout=1)
    assert not done
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asyncio.wait_for(task, 5)
