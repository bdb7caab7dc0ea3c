"""Clients that send too much or too slowly, over real sockets."""

import asyncio
import time
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any, cast

import pytest_asyncio
from gateway.bounded import Bounds
from gateway.serve import HttpServer, listen
from starlette.types import Receive, Scope, Send

SHORT = Bounds(head_seconds=0.3, body_seconds=0.3)


class Served:
    """An application that answers with the size of the body, and counts whom it answered."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.broken = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        size, more = 0, True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                self.broken += 1
                return
            size, more = size + len(message.get("body", b"")), message.get("more_body", False)
        self.sizes.append(size)
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
        await send({"type": "http.response.body", "body": b"ok"})


@pytest_asyncio.fixture
async def app() -> Served:
    return Served()


@pytest_asyncio.fixture
async def port(app: Served) -> AsyncGenerator[int]:
    listener = listen("127.0.0.1:0")
    settings = SimpleNamespace(max_concurrent_calls=10, keep_alive_seconds=5, shutdown_grace_seconds=2)
    running = asyncio.create_task(HttpServer(app, listener, cast("Any", settings), SHORT).run())
    yield listener.getsockname()[1]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def said(port: int, *parts: bytes, pause: float = 0) -> bytes:
    """Everything that comes back until the connection ends."""
    async with asyncio.timeout(10):
        reader, writer = await connect(port)
        for part in parts:
            writer.write(part)
            await writer.drain()
            await asyncio.sleep(pause)
        told = await reader.read()
        writer.close()
        return told


async def connect(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    while True:
        try:
            return await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.02)


def head(*headers: bytes, method: bytes = b"GET", end: bytes = b"\r\n\r\n") -> bytes:
    return b"\r\n".join([method + b" / HTTP/1.1", b"Host: x", *headers]) + end


async def test_a_head_of_64_kib_passes_and_a_larger_one_does_not(app: Served, port: int):
    close = b"Connection: close"
    assert (await said(port, head(close, b"X: " + b"x" * 60_000))).startswith(b"HTTP/1.1 200")
    told = await said(port, head(close, b"X: " + b"x" * 66_000))
    assert told.startswith(b"HTTP/1.1 431")
    assert b"HEADERS_TOO_LARGE" in told
    many = [b"X-%d: %s" % (at, b"x" * 1000) for at in range(70)]
    assert (await said(port, head(close, *many))).startswith(b"HTTP/1.1 431")
    assert len(app.sizes) == 1


async def test_a_head_without_end_is_not_kept(app: Served, port: int):
    parts = [head(end=b"\r\nX: "), *[b"x" * 65_536] * 40]
    assert (await said(port, *parts)).startswith(b"HTTP/1.1 431")
    assert app.sizes == []


async def test_a_long_address_is_a_head_too(port: int):
    told = await said(port, b"GET /" + b"x" * 70_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n")
    assert told.startswith(b"HTTP/1.1 431")


async def test_a_large_body_is_no_head(app: Served, port: int):
    sent = head(b"Connection: close", b"Content-Length: 300000", method=b"POST") + b"x" * 300_000
    assert (await said(port, sent)).startswith(b"HTTP/1.1 200")
    assert app.sizes == [300_000]


async def test_requests_on_one_connection_are_counted_one_by_one(app: Served, port: int):
    large = b"X: " + b"x" * 40_000
    told = await said(port, head(large), head(large), head(large, b"Connection: close"), pause=0.05)
    assert told.count(b"HTTP/1.1 200") == 3
    assert len(app.sizes) == 3


async def test_half_a_head_is_not_waited_for(port: int):
    began = time.monotonic()
    told = await said(port, head(end=b"\r\nX"))
    assert told.startswith(b"HTTP/1.1 408")
    assert b"HEADERS_TOO_SLOW" in told
    assert time.monotonic() - began < 5


async def test_a_head_by_drops_is_not_waited_for(port: int):
    drops = [b"G", b"E", b"T", b" ", b"/", b" ", b"H", b"T"]
    assert (await said(port, *drops, pause=0.1)).startswith(b"HTTP/1.1 408")


async def test_who_asks_nothing_is_let_go(port: int):
    assert await said(port) == b""


async def test_half_a_body_is_not_waited_for(app: Served, port: int):
    told = await said(port, head(b"Content-Length: 1000", method=b"POST") + b"x" * 10)
    assert told.startswith(b"HTTP/1.1 408")
    assert b"BODY_TOO_SLOW" in told
    assert (app.sizes, app.broken) == ([], 1)


async def test_a_body_that_comes_on_is_waited_for(app: Served, port: int):
    parts = [head(b"Connection: close", b"Content-Length: 4000", method=b"POST"), *[b"x" * 400] * 10]
    assert (await said(port, *parts, pause=0.1)).startswith(b"HTTP/1.1 200")
    assert app.sizes == [4000]


async def test_who_waits_for_an_answer_is_not_hurried(app: Served, port: int):
    """A request that is whole has no timer, nor has the next one before it begins."""
    reader, writer = await connect(port)
    for _ in range(2):
        writer.write(head())
        assert (await reader.readuntil(b"ok")).startswith(b"HTTP/1.1 200")
        await asyncio.sleep(0.5)
    writer.close()
    assert len(app.sizes) == 2
