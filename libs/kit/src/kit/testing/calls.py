"""An in-process server and a channel to it, both as in production."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from typing import Protocol

import grpc
import pytest_asyncio

from kit.client import channel
from kit.server import Register, running
from kit.settings import ProcessSettings


class Rpc(Protocol):
    """await rpc(lambda server: add_UserServiceServicer_to_server(servicer, server)): a channel to it on a free port."""

    async def __call__(self, *register: Register) -> grpc.aio.Channel: ...


@pytest_asyncio.fixture
async def rpc() -> AsyncGenerator[Rpc]:
    async with AsyncExitStack() as stack:

        async def start(*register: Register) -> grpc.aio.Channel:
            settings = ProcessSettings(listen="127.0.0.1:0", shutdown_grace_seconds=1)
            server = await stack.enter_async_context(running(settings, "test", register=register, names=[]))
            target = f"127.0.0.1:{server.port}"
            return await stack.enter_async_context(channel(target, service="test", seconds=10))

        yield start
