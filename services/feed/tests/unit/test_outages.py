import asyncio

import pytest
from feed_service.store import Patience
from kit import deadline
from kit.errors import DeadlineExceeded, Unavailable


class Server:
    def __init__(self, *, seconds: float = 5) -> None:
        self.at, self.asked = 0.0, 0
        self.patience = Patience("CASSANDRA", seconds=seconds, rest=1, clock=lambda: self.at)

    async def ask(self, error: BaseException | None = None) -> None:
        async with self.patience.waiting():
            self.asked += 1
            if error:
                raise error


async def test_an_outage_has_one_name_whatever_the_driver_says() -> None:
    with pytest.raises(Unavailable, match="CASSANDRA_UNAVAILABLE"):
        await Server().ask(ConnectionRefusedError())


async def test_a_server_that_failed_is_left_alone_for_a_while() -> None:
    server = Server()
    with pytest.raises(Unavailable):
        await server.ask(ConnectionRefusedError())
    with pytest.raises(Unavailable):
        await server.ask()
    assert server.asked == 1

    server.at = 1.0
    await server.ask()
    assert server.asked == 2


async def test_a_server_that_does_not_answer_counts_as_away() -> None:
    patience = Server(seconds=0.01).patience
    with pytest.raises(Unavailable):
        async with patience.waiting():
            await asyncio.Event().wait()


async def test_a_fault_is_no_outage() -> None:
    server = Server()
    with pytest.raises(KeyError):
        await server.ask(KeyError("a bug"))
    await server.ask()


async def test_a_caller_without_time_does_not_make_the_server_look_away() -> None:
    server = Server()
    with deadline.within(0), pytest.raises(DeadlineExceeded):
        await server.ask(TimeoutError())
    await server.ask()
