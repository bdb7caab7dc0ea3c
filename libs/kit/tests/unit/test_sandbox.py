"""Work on strangers' files happens in a process that may die."""

import asyncio
import ctypes
import os
import signal
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import psutil
import pytest
import pytest_asyncio
from kit.sandbox import Limits, Refused, Sandbox, SandboxError
from kit.testing import eventually

PR_SET_CHILD_SUBREAPER = 36  # prctl.h
ROOMY = Limits(memory_bytes=1 << 30, cpu_seconds=60, wall_seconds=60)
WORK = """
import os
import subprocess
import time
from kit import sandboxed

def work(job):
    match job["do"]:
        case "refuse":
            raise sandboxed.RefusedError("NOT_LIKED")
        case "sleep":
            time.sleep(600)
        case "start another":
            subprocess.run(["sleep", "600"], preexec_fn=sandboxed.die_with_parent)
        case "grow":
            bytearray(1 << 40)
        case "spin":
            while True:
                pass
        case _:
            return {"said": job["do"], "process": os.getpid()}

sandboxed.serve(work)
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "strangers_work.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)


@pytest_asyncio.fixture
async def sandbox() -> AsyncGenerator[Sandbox]:
    made = Sandbox("strangers_work", ROOMY)
    yield made
    await made.close()


async def pid_of(sandbox: Sandbox) -> int:
    made = await sandbox.run({"do": "say"})
    assert not isinstance(made, Refused)
    return made["process"]


async def test_one_process_does_many_jobs(sandbox: Sandbox) -> None:
    assert len({await pid_of(sandbox) for _ in range(3)}) == 1


async def test_a_refusal_is_an_answer_and_the_process_lives_on(sandbox: Sandbox) -> None:
    before = await pid_of(sandbox)
    assert await sandbox.run({"do": "refuse"}) == Refused("NOT_LIKED")
    assert await pid_of(sandbox) == before


async def test_a_killed_process_fails_its_job_and_the_next_job_gets_a_new_one(sandbox: Sandbox) -> None:
    killed = await pid_of(sandbox)
    os.kill(killed, signal.SIGKILL)
    with pytest.raises(SandboxError):
        await sandbox.run({"do": "say"})
    assert await pid_of(sandbox) != killed


@pytest.mark.parametrize(
    ("do", "limits"),
    [
        ("grow", Limits(memory_bytes=1 << 30, cpu_seconds=60, wall_seconds=60)),
        ("sleep", Limits(memory_bytes=1 << 30, cpu_seconds=60, wall_seconds=0.5)),
        ("spin", Limits(memory_bytes=1 << 30, cpu_seconds=1, wall_seconds=60)),
    ],
)
async def test_a_job_that_takes_too_much_memory_or_time_fails_alone(do: str, limits: Limits) -> None:
    cramped = Sandbox("strangers_work", limits)
    try:
        with pytest.raises(SandboxError):
            await cramped.run({"do": do})
    finally:
        await cramped.close()


async def test_what_a_killed_process_had_started_does_not_stay_as_a_zombie(orphans_are_ours: None) -> None:
    hurried = Sandbox("strangers_work", Limits(memory_bytes=1 << 30, cpu_seconds=60, wall_seconds=1))
    try:
        for _ in range(2):
            with pytest.raises(SandboxError):
                await hurried.run({"do": "start another"})
        await eventually(lambda: none_left(hurried))
    finally:
        await hurried.close()


async def none_left(sandbox: Sandbox) -> bool:
    await sandbox.close()
    await sandbox.warm()
    running = psutil.Process().children()
    assert [child.name() for child in running if child.status() == psutil.STATUS_ZOMBIE] == []
    return True


@pytest.fixture
def orphans_are_ours() -> Iterator[None]:
    """As process 1 of a container has it."""
    libc = ctypes.CDLL(None)
    assert libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    yield
    libc.prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)


async def test_the_process_holds_no_settings(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HELIOGRAPH_S3_SECRET_KEY", "very-secret")
    environment = await asyncio.to_thread(Path(f"/proc/{await pid_of(sandbox)}/environ").read_bytes)
    assert b"PATH" in environment
    assert b"very-secret" not in environment
    assert b"HELIOGRAPH" not in environment
