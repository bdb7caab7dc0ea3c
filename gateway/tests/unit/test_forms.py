"""Bodies that are files: read as they come, but not for ever."""

from collections.abc import AsyncIterator

import pytest
from gateway.errors import Refusal
from gateway.forms import SLOWEST_BYTES, paced


class Sender:
    """Sends so many bytes a second, for so many seconds."""

    def __init__(self, rate: int, seconds: int) -> None:
        self.rate, self.seconds, self.now = rate, seconds, 0.0

    def clock(self) -> float:
        return self.now

    async def stream(self) -> AsyncIterator[bytes]:
        for _ in range(self.seconds):
            self.now += 1
            yield bytes(self.rate)


async def read(sender: Sender) -> int:
    return sum([len(chunk) async for chunk in paced(sender.stream(), sender.clock)])


async def test_a_slow_line_may_take_its_time() -> None:
    assert await read(Sender(SLOWEST_BYTES, 600)) == 600 * SLOWEST_BYTES


async def test_a_small_file_may_come_in_drops() -> None:
    assert await read(Sender(1, 30)) == 30


async def test_whoever_sends_byte_by_byte_holds_no_place_for_long() -> None:
    sender = Sender(1, 3600)
    with pytest.raises(Refusal) as caught:
        await read(sender)
    assert (caught.value.status, caught.value.reason) == (408, "BODY_TOO_SLOW")
    assert sender.now < 35
