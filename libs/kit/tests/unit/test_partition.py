import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from kit.delivery import Delivery
from kit.partition import Partition, Stopped

START = datetime(2026, 1, 1, tzinfo=UTC)


def delivery(offset: int, key: str) -> Delivery:
    return Delivery(topic="t", partition=0, offset=offset, key=key, type="x", id=str(offset), time=START, value=b"")


class Gates:
    """Settles a delivery once its offset is let through."""

    def __init__(self) -> None:
        self.started: list[int] = []
        self.batches: list[list[int]] = []
        self._gates: dict[int, asyncio.Event] = {}

    async def settle(self, deliveries: Sequence[Delivery], stopping: asyncio.Event) -> None:
        offsets = [each.offset for each in deliveries]
        self.started += offsets
        self.batches.append(offsets)
        for offset in offsets:
            await self._gate(offset).wait()

    async def let_through(self, *offsets: int) -> None:
        for offset in offsets:
            self._gate(offset).set()
        for _ in range(5):
            await asyncio.sleep(0)

    def _gate(self, offset: int) -> asyncio.Event:
        return self._gates.setdefault(offset, asyncio.Event())


async def test_the_position_waits_for_the_oldest_open_delivery() -> None:
    gates = Gates()
    partition = Partition(gates.settle)
    partition.add([delivery(10, "a"), delivery(11, "b"), delivery(12, "c")])
    await gates.let_through(11, 12)
    assert (partition.position, partition.backlog) == (10, 3)
    await gates.let_through(10)
    assert (partition.position, partition.backlog) == (13, 0)


async def test_the_age_is_that_of_what_the_position_waits_for() -> None:
    gates = Gates()
    partition = Partition(gates.settle)
    late = replace(delivery(11, "b"), time=START + timedelta(minutes=1))
    partition.add([delivery(10, "a"), late])
    assert partition.oldest == START
    await gates.let_through(10)
    assert partition.oldest == late.time
    await gates.let_through(11)
    assert partition.oldest is None


async def test_a_gap_in_the_offsets_is_no_open_work() -> None:
    gates = Gates()
    partition = Partition(gates.settle)
    partition.add([delivery(10, "a"), delivery(15, "b")])
    await gates.let_through(10, 15)
    assert partition.position == 16


async def test_one_key_goes_one_after_another_and_others_go_on() -> None:
    gates = Gates()
    partition = Partition(gates.settle)
    partition.add([delivery(1, "a"), delivery(2, "a"), delivery(3, "b")])
    await gates.let_through()
    assert gates.started == [1, 3]
    await gates.let_through(1)
    assert gates.started == [1, 3, 2]


async def test_with_a_batch_size_the_partition_is_one_queue() -> None:
    gates = Gates()
    partition = Partition(gates.settle, batch_size=2)
    partition.add([delivery(1, "a"), delivery(2, "b"), delivery(3, "c")])
    await gates.let_through(1, 2)
    assert gates.batches == [[1, 2], [3]]


async def test_stopping_lets_running_work_finish_and_begins_no_more() -> None:
    gates = Gates()
    partition = Partition(gates.settle)
    partition.add([delivery(1, "a"), delivery(2, "a")])
    await gates.let_through()
    stopping = asyncio.create_task(partition.stop(grace=5))
    await gates.let_through(1, 2)
    await stopping
    assert (partition.position, gates.started) == (2, [1])


async def test_stopping_cancels_what_does_not_finish_in_time() -> None:
    gates = Gates()
    partition = Partition(gates.settle)
    partition.add([delivery(1, "a")])
    await gates.let_through()
    await partition.stop(grace=0.01)
    assert partition.position == 1


async def test_work_that_was_given_up_stays_open() -> None:
    async def give_up(deliveries: Sequence[Delivery], stopping: asyncio.Event) -> None:
        raise Stopped

    partition = Partition(give_up)
    partition.add([delivery(1, "a")])
    await partition.stop(grace=1)
    assert partition.position == 1


async def test_a_bug_in_the_settling_is_reported() -> None:
    async def break_down(deliveries: Sequence[Delivery], stopping: asyncio.Event) -> None:
        raise ZeroDivisionError

    partition = Partition(break_down)
    partition.add([delivery(1, "a")])
    for _ in range(5):
        await asyncio.sleep(0)
    assert isinstance(partition.failure, ZeroDivisionError)
