"""Steps wait for one another, and the first fault ends all."""

import asyncio
import io

import pytest
from devstack.bringup import Step
from devstack.faults import StackError
from devstack.progress import Progress
from rich.console import Console

from devstack import bringup


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def progress(out: io.StringIO) -> Progress:
    return Progress(Console(file=out, width=80))


async def test_a_step_begins_when_those_before_it_are_done(progress: Progress) -> None:
    order: list[str] = []

    def noting(name: str) -> Step:
        async def act() -> None:
            order.append(name)

        return Step(name, act, {"a": ["b", "c"], "b": ["c"]}.get(name, []))

    await bringup.run([noting("a"), noting("b"), noting("c")], progress)
    assert order == ["c", "b", "a"]


async def test_independent_steps_run_at_the_same_time(progress: Progress) -> None:
    met = asyncio.Barrier(2)

    async def meet() -> None:
        await asyncio.wait_for(met.wait(), 5)

    await bringup.run([Step("a", meet), Step("b", meet)], progress)


async def test_the_first_fault_is_raised_plainly_and_the_rest_is_cancelled(progress: Progress) -> None:
    cancelled = asyncio.Event()

    async def fail() -> None:
        raise StackError("kafka dies when started: no space left")

    async def wait() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    with pytest.raises(StackError, match="no space left"):
        await bringup.run([Step("wait", wait), Step("fail", fail)], progress)
    assert cancelled.is_set()


async def test_a_fault_of_another_kind_is_raised_as_it_is(progress: Progress) -> None:
    async def fail() -> None:
        raise ConnectionResetError("gone")

    with pytest.raises(ConnectionResetError, match="gone"):
        await bringup.run([Step("fail", fail)], progress)


async def test_without_a_terminal_each_done_step_is_a_line(progress: Progress, out: io.StringIO) -> None:
    async def nothing() -> None:
        pass

    await bringup.run([Step("redis", nothing)], progress)
    assert out.getvalue() == "  redis (0.0 s)\n"
