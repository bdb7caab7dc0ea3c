"""The generator of load, in its own process, against a server that stalls."""

import asyncio
import json
import threading
import time
from collections.abc import Iterator

import pytest

from bench.load.driver import run
from bench.load.plan import Ask, Plan, request

STALL = 0.4


class Server:
    """Answers GET with two items, each POST with a new id, and stalls for a while once."""

    def __init__(self) -> None:
        self.port, self.stall_at, self.made = 0, float("inf"), 0
        self._ready, self._loop = threading.Event(), asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> "Server":
        self._thread.start()
        assert self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._talk, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                writer.write(await self._answer(head, reader))
        except asyncio.IncompleteReadError:
            writer.close()

    async def _answer(self, head: bytes, reader: asyncio.StreamReader) -> bytes:
        if time.monotonic() > self.stall_at:
            self.stall_at = float("inf")
            time.sleep(STALL)  # noqa: ASYNC251 nobody is answered meanwhile
        status, answer = "200 OK", {"items": [{"id": "2", "x": 0}, {"id": "1", "x": 0}]}
        if head.startswith(b"POST"):
            await reader.readexactly(len('{"a": 1}'))
            self.made += 1
            status, answer = "201 Created", {"id": str(self.made)}
        body = json.dumps(answer).encode()
        return b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status.encode(), len(body), body)


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        yield server


GET = Ask(request("GET", "/", "token"), mark='"x":', marks=2, ids=["2", "1"])
POST = Ask(request("POST", "/", "token", {"a": 1}), status=201)


def test_who_would_have_come_during_a_stall_waited_too(server: Server):
    server.stall_at = time.monotonic() + 1.0
    plan = Plan("127.0.0.1", server.port, 50, seconds=2.0, asks=[GET], rate=200, look_every=1)
    outcome = run(plan, {}).outcome
    assert outcome.failed == outcome.unanswered == 0, outcome.faults
    assert outcome.looked_at == outcome.done
    assert 250 < outcome.done < 550
    # A fifth of all requests came due within the stall, and waited for half of it on average.
    assert outcome.ms["p90"] > STALL * 1000 / 4
    assert outcome.ms["max"] > STALL * 1000 * 0.9


def test_writes_come_among_reads_and_each_once(server: Server):
    plan = Plan("127.0.0.1", server.port, 4, seconds=1.0, asks=[GET], writes=[POST] * 5, reads_a_write=3)
    outcome = run(plan, {}).outcome
    assert outcome.failed == 0, outcome.faults
    assert outcome.done > 20
    assert [written.number for written in sorted(outcome.written, key=lambda one: one.number)] == list(range(5))
    assert sorted(int(written.id) for written in outcome.written) == [1, 2, 3, 4, 5]


def test_wrong_answers_are_counted_and_shown(server: Server):
    wrong = Ask(GET.text, mark=GET.mark, marks=3)
    plan = Plan("127.0.0.1", server.port, 2, seconds=60, writes=[wrong] * 7)
    outcome = run(plan, {}).outcome
    assert (outcome.done, outcome.failed) == (7, 7)
    assert "2 items instead of 3" in outcome.faults[0]
