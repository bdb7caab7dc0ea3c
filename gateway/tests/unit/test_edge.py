"""The outermost application."""

import asyncio
import json
from typing import Any

import pytest
from gateway.edge import Edge, Load
from starlette.types import Message, Receive, Scope, Send

SCOPE: Scope = {"type": "http", "method": "GET", "path": "/v1/me", "headers": [], "query_string": b""}


async def nothing() -> Message:
    return {"type": "http.request", "body": b""}


async def answered(edge: Edge) -> tuple[int, Any]:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    await edge(SCOPE, nothing, send)
    return sent[0]["status"], json.loads(b"".join(message.get("body", b"") for message in sent[1:]))


async def test_a_wait_that_others_cancelled_is_told_as_an_outage() -> None:
    async def closed(scope: Scope, receive: Receive, send: Send) -> None:
        """What it waits for belongs to a client that is being closed."""
        waited_for: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        waited_for.cancel()
        await waited_for

    status, problem = await answered(Edge(closed, Load(1)))

    assert (status, problem["reason"]) == (503, "INTERRUPTED")


async def test_a_request_that_is_cancelled_ends() -> None:
    async def slow(scope: Scope, receive: Receive, send: Send) -> None:
        await asyncio.Event().wait()

    load = Load(1)
    request = asyncio.create_task(answered(Edge(slow, load)))
    await asyncio.sleep(0)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request
    assert load.enter()
