import asyncio

from kit.readiness import Readiness


class Dependency:
    """Passes, fails or hangs as told."""

    def __init__(self) -> None:
        self.up, self.hangs = True, False

    async def check(self) -> None:
        if self.hangs:
            await asyncio.Event().wait()
        if not self.up:
            raise ConnectionRefusedError


def readiness(dependency: Dependency, changes: list[bool] | None = None) -> Readiness:
    async def note(ready: bool) -> None:
        (changes if changes is not None else []).append(ready)

    return Readiness({"store": dependency.check}, note, timeout=0.05, interval=0.05)


async def test_a_process_is_not_ready_before_its_checks_have_passed() -> None:
    dependency = Dependency()
    dependency.up = False
    state = readiness(dependency)
    assert not state.ready
    assert not await state.probe()
    assert state.failing == {"store": "ConnectionRefusedError"}


async def test_it_becomes_ready_by_itself_when_the_dependency_returns() -> None:
    dependency = Dependency()
    dependency.up = False
    became = asyncio.Event()

    async def note(ready: bool) -> None:
        if ready:
            became.set()

    state = Readiness({"store": dependency.check}, note, interval=0.05)
    async with asyncio.timeout(5):
        watching = asyncio.create_task(state.watch())
        await asyncio.sleep(0)
        dependency.up = True
        await became.wait()
    watching.cancel()
    assert state.ready


async def test_one_failure_is_forgiven_and_two_are_not() -> None:
    dependency, changes = Dependency(), list[bool]()
    state = readiness(dependency, changes)
    await state.probe()
    dependency.up = False
    assert await state.probe()
    assert not await state.probe()
    assert changes == [True, False]


async def test_a_check_that_hangs_fails() -> None:
    dependency = Dependency()
    dependency.hangs = True
    state = readiness(dependency)
    assert not await state.probe()
    assert state.failing == {"store": "TimeoutError"}


async def test_a_closing_process_is_unready_whatever_its_checks_say() -> None:
    state = readiness(Dependency())
    await state.probe()
    await state.close()
    assert not await state.probe()


async def test_without_checks_a_process_is_ready() -> None:
    assert await Readiness({}).probe()
