import asyncio

from kit.tasks import background, name_of
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
