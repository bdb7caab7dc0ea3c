import asyncio

import pytest
from kit.errors import Unavailable
from kit.tasks import background, name_of, uninterrupted
from prometheus_client import REGISTRY


async def test_a_task_that_dies_is_started_again() -> None:
    lives, third = 0, asyncio.Event()

    async def mortal() -> None:
        nonlocal lives
        lives += 1
        if lives < 3:
            raise ValueError("dead")
        third.set()
        await asyncio.Event().wait()

    async with asyncio.timeout(5), background([mortal], grace=1):
        await third.wait()
    assert lives == 3
    assert REGISTRY.get_sample_value("heliograph_task_restarts_total", {"task": name_of(mortal)}) == 2


async def wait_for_what_another_gives_up() -> None:
    future = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(future.cancel)
    await future


async def test_a_task_whose_wait_another_ended_is_started_again() -> None:
    lives, third = 0, asyncio.Event()

    async def interrupted() -> None:
        nonlocal lives
        lives += 1
        if lives == 3:
            third.set()
        await wait_for_what_another_gives_up()

    async with asyncio.timeout(5), background([interrupted], grace=1):
        await third.wait()


async def test_a_group_does_not_go_on_without_a_part_whose_wait_another_ended() -> None:
    with pytest.RaisesGroup(Unavailable):
        async with asyncio.TaskGroup() as group:
            group.create_task(uninterrupted(asyncio.Event().wait()))
            group.create_task(uninterrupted(wait_for_what_another_gives_up()))


async def test_who_is_cancelled_ends() -> None:
    task = asyncio.create_task(uninterrupted(asyncio.Event().wait()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_task_is_cancelled_and_may_finish_what_it_began() -> None:
    started, finished = asyncio.Event(), asyncio.Event()

    async def careful() -> None:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            finished.set()

    async with background([careful], grace=1):
        await started.wait()
    assert finished.is_set()


async def test_a_task_that_will_not_stop_holds_nobody_longer_than_the_grace() -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def stubborn() -> None:
        started.set()
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue

    async with asyncio.timeout(2):
        async with background([stubborn], grace=0.05):
            await started.wait()
    release.set()


def test_a_bound_method_is_named_by_its_class() -> None:
    class Relay:
        async def run(self) -> None: ...

    assert name_of(Relay().run).endswith("Relay.run")
