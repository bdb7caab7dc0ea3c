"""The gateway as a process of its own, in front of a test's services."""

import asyncio
import os
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import httpx
from gateway.settings import GatewaySettings
from gateway_world import World
from kit.testing import eventually
from pydantic import SecretStr


def environment_of(config: GatewaySettings, **changes: str) -> dict[str, str]:
    values: dict[str, Any] = config.model_dump(include=config.model_fields_set)
    plain = {
        name: value.get_secret_value() if isinstance(value, SecretStr) else str(value) for name, value in values.items()
    }
    return {**os.environ, **{f"HELIOGRAPH_{name.upper()}": value for name, value in {**plain, **changes}.items()}}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@asynccontextmanager
async def gateway_process(world: World, **changes: str) -> AsyncGenerator[tuple[Process, httpx.AsyncClient]]:
    port = free_port()
    environment = environment_of(world.settings, listen=f"127.0.0.1:{port}", **changes)
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "gateway", env=environment, stdout=PIPE)
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:

        async def ready() -> bool:
            try:
                return (await client.get("/readyz")).status_code == 200
            except httpx.TransportError:
                return False

        try:
            await eventually(ready, timeout=30)
            yield process, client
        finally:
            if process.returncode is None:
                process.kill()
            await process.communicate()
