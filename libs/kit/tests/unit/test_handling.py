import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from kit.delivery import REPLAY_GROUP, Delivery, Undecodable
from kit.errors import DeadlineExceeded, Unavailable
from kit.handling import HandleBatch, Handling
from kit.partition import Stopped

DELIVERY = Delivery(
    topic="t", partition=0, offset=1, key="a", type="x", id="1", time=datetime(2026, 1, 1, tzinfo=UTC), value=b""
)


class Buried:
    def __init__(self) -> None:
        self.reasons: list[str] = []

    async def __call__(self, delivery: Delivery, error: Exception) -> None:
        self.reasons.append(str(error))


class Failing:
    """Fails `times` times, then works."""

    def __init__(self, error: BaseException, times: int) -> None:
        self.attempts: list[int] = []
        self._error, self._times = error, times

    async def __call__(self, deliveries: Sequence[Delivery]) -> None:
        self.attempts.append(deliveries[0].attempt)
        if len(self.attempts) <= self._times:
            raise self._error


def handling(handle: HandleBatch, bury: Buried, *, group: str = "g") -> Handling:
    return Handling(group, handle, bury, asyncio.Semaphore(1), max_attempts=2)


@pytest.mark.parametrize(
    "error",
    [
        Unavailable("X", "x"),
        DeadlineExceeded("X", "x"),
        ConnectionResetError(),
        asyncio.CancelledError(),  # of what the handler waited for: nobody cancels the handler
    ],
)
async def test_an_outage_does_not_count_as_an_attempt(error: BaseException) -> None:
    handle, bury = Failing(error, times=3), Buried()
    await handling(handle, bury).settle([DELIVERY], asyncio.Event())
    assert (handle.attempts, bury.reasons) == ([1, 2, 3, 4], [])


async def test_a_fault_is_buried_after_the_last_attempt() -> None:
    handle, bury = Failing(ValueError("no"), times=9), Buried()
    await handling(handle, bury).settle([DELIVERY], asyncio.Event())
    assert (handle.attempts, bury.reasons) == ([1, 2], ["no"])


async def test_what_cannot_be_decoded_is_buried_at_once() -> None:
    handle, bury = Failing(Undecodable("no"), times=9), Buried()
    await handling(handle, bury).settle([DELIVERY], asyncio.Event())
    assert (handle.attempts, bury.reasons) == ([1], ["no"])


async def test_a_waiting_retry_gives_up_as_soon_as_the_partition_leaves() -> None:
    stopping = asyncio.Event()
    handle, bury = Failing(Unavailable("X", "x"), times=99), Buried()
    task = asyncio.create_task(handling(handle, bury).settle([DELIVERY], stopping))
    await asyncio.sleep(0)
    stopping.set()
    with pytest.raises(Stopped):
        await asyncio.wait_for(task, 1)


async def test_a_replay_for_another_group_is_left_alone() -> None:
    handle, bury = Failing(ValueError("no"), times=9), Buried()
    replayed = replace(DELIVERY, headers=((REPLAY_GROUP, b"other"),))
    await handling(handle, bury).settle([replayed], asyncio.Event())
    assert handle.attempts == []
