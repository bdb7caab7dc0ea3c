"""A warm process for work on strangers' files. Whatever happens in it, the process that started it lives on.

What runs in it is a module of the caller's that hands its work to kit.sandboxed.
"""

import asyncio
import json
import os
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_LINE_BYTES = 1 << 20
_JOBS_PER_PROCESS = 200


@dataclass(frozen=True)
class Limits:
    """Of one job: address space in bytes, CPU and wall time in seconds."""

    memory_bytes: int
    cpu_seconds: int
    wall_seconds: float


@dataclass(frozen=True)
class Refused:
    """The file will never work; a stable SCREAMING_SNAKE reason."""

    reason: str


class SandboxError(Exception):
    """The process crashed, ran out of memory or time."""


class Sandbox:
    """Runs `python -m module`. One job at a time; others wait. The process is started when first needed and again after
    its death."""

    def __init__(self, module: str, limits: Limits) -> None:
        self._module, self._limits = module, limits
        self._process: Process | None = None
        self._jobs = 0
        self._turn = asyncio.Lock()
        self._ended: set[int] = set()  # groups of processes of before

    async def run(self, job: Mapping[str, Any]) -> Mapping[str, Any] | Refused:
        """What the module's work answers to this job; both are JSON. Raises SandboxError."""
        async with self._turn:
            answer = await self._ask(job)
        return Refused(answer["refused"]) if "refused" in answer else answer["made"]

    async def warm(self) -> None:
        """Starts the process ahead of its first job."""
        async with self._turn:
            await self._running()

    async def close(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        if process.returncode is None:
            process.kill()
            await process.wait()
        self._ended.add(process.pid)

    async def _ask(self, job: Mapping[str, Any]) -> dict[str, Any]:
        process = await self._running()
        assert process.stdin is not None  # noqa: S101 both are pipes
        assert process.stdout is not None  # noqa: S101 both are pipes
        done = False
        try:
            async with asyncio.timeout(self._limits.wall_seconds):
                process.stdin.write(json.dumps(job).encode() + b"\n")
                await process.stdin.drain()
                line = await process.stdout.readline()
            done = bool(line)
        except TimeoutError:
            raise SandboxError("out of time") from None
        except ConnectionError:
            raise SandboxError("died before its job") from None
        finally:
            if not done:
                await self.close()
        if not line:
            raise SandboxError(f"ended with {process.returncode}")
        return json.loads(line)

    async def _running(self) -> Process:
        dead = self._process is not None and self._process.returncode is not None
        if dead or self._jobs >= _JOBS_PER_PROCESS:
            await self.close()
        if self._process is None:
            self._ended = {group for group in self._ended if not _cleared(group)}
            self._process, self._jobs = await self._start(), 0
        self._jobs += 1
        return self._process

    async def _start(self) -> Process:
        limits = str(self._limits.memory_bytes), str(self._limits.cpu_seconds)
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", self._module, *limits),
            stdin=PIPE,
            stdout=PIPE,
            stderr=DEVNULL,
            limit=_LINE_BYTES,
            cwd=tempfile.gettempdir(),
            env=_bare_environment(),
            start_new_session=True,
        )


def _cleared(group: int) -> bool:
    """Takes leave of what a process of ours had started and left behind: that falls to process 1, which we are in a
    container. False while something of it has not ended."""
    try:
        while os.waitpid(-group, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return True
    return False


def _bare_environment() -> dict[str, str]:
    """No settings, no secrets."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR", "VIRTUAL_ENV") if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry), "MALLOC_ARENA_MAX": "2"}
