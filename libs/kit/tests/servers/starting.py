"""Starts process_of_echo for a test and ends it with the test."""

import asyncio
import socket
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

PROGRAM = Path(__file__).parent / "process_of_echo.py"


@dataclass(frozen=True)
class Started:
    process: Process
    listen: str
    ops: str
    flag: Path

    async def get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(trust_env=False) as http:
            return await http.get(f"http://{self.ops}{path}", timeout=5)

    async def ready(self, *, wanted: bool) -> None:
        async with asyncio.timeout(20):
            while True:
                try:
                    if (await self.get("/readyz")).is_success is wanted:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)

    async def says(self, line: str) -> None:
        assert self.process.stderr
        async with asyncio.timeout(10):
            while (await self.process.stderr.readline()).decode().strip() != line:
                pass


def free_address() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@asynccontextmanager
async def start(command: str, folder: Path, **variables: str) -> AsyncGenerator[Started]:
    listen, ops, flag = free_address(), free_address(), folder / "up"
    given = {"HELIOGRAPH_LISTEN": listen, "HELIOGRAPH_OPS_LISTEN": ops, "FLAG": str(flag), **variables}
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(PROGRAM), command, env=given, stdout=PIPE, stderr=PIPE
    )
    try:
        async with asyncio.timeout(30):
            yield Started(process, listen, ops, flag)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
