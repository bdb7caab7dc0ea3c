import asyncio
from weakref import ref

import pytest
from feed_service.service.recent import Recent


class Source:
    def __init__(self) -> None:
        self.asked, self.answer, self.hold = 0, 1, asyncio.Event()
        self.hold.set()

    async def load(self, key: str) -> int:
        self.asked += 1
        await self.hold.wait()
        if self.answer < 0:
            raise OSError("away")
        return self.answer


async def test_an_answer_is_kept_until_it_is_too_old() -> None:
    source, at = Source(), [0.0]
    recent = Recent(source.load, seconds=2, clock=lambda: at[0])
    assert await recent.get("a") == 1

    source.answer, at[0] = 2, 1.9
    assert await recent.get("a") == 1

    at[0] = 2.0
    assert await recent.get("a") == 2


async def test_those_who_ask_at_once_share_one_load_even_when_the_first_gives_up() -> None:
    source = Source()
    source.hold.clear()
    recent = Recent(source.load, seconds=2, clock=lambda: 0.0)
    first, second = (asyncio.create_task(recent.get("a")) for _ in range(2))
    await asyncio.sleep(0)

    first.cancel()
    source.hold.set()

    assert await second == 1
    assert source.asked == 1


async def test_a_failure_is_not_kept() -> None:
    source = Source()
    source.answer = -1
    recent = Recent(source.load, seconds=2, clock=lambda: 0.0)
    with pytest.raises(OSError, match="away"):
        await recent.get("a")

    source.answer = 3
    assert await recent.get("a") == 3


async def test_only_so_many_keys_are_kept() -> None:
    source = Source()
    recent = Recent(source.load, seconds=2, clock=lambda: 0.0, size=2)
    for key in "abca":
        await recent.get(key)

    assert source.asked == 4


async def test_what_has_expired_goes_with_the_next_load() -> None:
    class Large:
        pass

    made: list[ref[Large]] = []

    async def load(key: str) -> Large:
        large = Large()
        made.append(ref(large))
        return large

    at = [0.0]
    recent = Recent(load, seconds=2, stale=1, clock=lambda: at[0])
    for key in "abc":
        await recent.get(key)
    at[0] = 2.5
    await recent.get("d")
    assert [one() is not None for one in made] == [True, True, True, True]
    at[0] = 3.0
    await recent.get("e")
    assert [one() is not None for one in made] == [False, False, False, True, True]
