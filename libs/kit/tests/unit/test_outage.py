import asyncio

import pytest
from kit.errors import Aborted, Unavailable
from kit.outage import outlast


class Step:
    def __init__(self, *errors: BaseException) -> None:
        self._errors = list(errors)

    async def __call__(self) -> str:
        if self._errors:
            raise self._errors.pop(0)
        return "done"


async def test_an_outage_and_a_lost_race_are_waited_out() -> None:
    step = Step(Unavailable("X", "x"), ConnectionRefusedError(), Aborted("X", "x"), asyncio.CancelledError())
    assert await outlast(step, what="test", first_pause=0.001) == "done"


async def test_a_bug_is_raised() -> None:
    with pytest.raises(ZeroDivisionError):
        await outlast(Step(ZeroDivisionError()), what="test", first_pause=0.001)
