"""What clients that keep their connection notice of a gateway that stops."""

import asyncio
import time
from types import SimpleNamespace
from typing import Any, cast

from gateway.serve import HttpServer, listen
from starlette.types import Receive, Scope, Send

REQUEST = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
SETTINGS = SimpleNamespace(max_concurrent_calls=10, keep_alive_seconds=30, shutdown_grace_seconds=2)


async def answers(_scope: Scope, _receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"2")]})
    await send({"type": "http.response.body", "body": b"ok"})


async def ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    writer.write(REQUEST)
    return await asyncio.wait_for(reader.readuntil(b"ok"), 5)


async def test_the_last_answer_of_a_kept_connection_says_so() -> None:
    listener = listen("127.0.0.1:0")
    listener.listen()
    running = asyncio.create_task(HttpServer(answers, listener, cast("Any", SETTINGS)).run())
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    assert b"connection: close" not in await ask(reader, writer)
    running.cancel()
    await asyncio.sleep(0.1)
    assert b"connection: close" in await ask(reader, writer)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    await asyncio.gather(running, return_exceptions=True)


async def test_a_silent_connection_does_not_hold_up_the_end_for_long() -> None:
    listener = listen("127.0.0.1:0")
    listener.listen()
    running = asyncio.create_task(HttpServer(answers, listener, cast("Any", SETTINGS)).run())
    reader, writer = await asyncio.open_connection(*listener.getsockname())
    await ask(reader, writer)
    began = time.monotonic()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert time.monotonic() - began < 10
    assert await reader.read() == b""
