"""Programs that run as long as this one does."""

import subprocess
import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

import httpx

_START_SECONDS = 60
_STOP_SECONDS = 10


class Trouble(Exception):
    """One line for whoever asked."""


@contextmanager
def running(command: Sequence[str], log: Path) -> Generator[subprocess.Popen[bytes]]:
    """Ctrl-C reaches this process alone, which then stops the program; the kernel does when this one is killed."""
    guard = ["setpriv", "--pdeathsig", "TERM", "--"]
    with log.open("wb") as out:
        process = subprocess.Popen([*guard, *command], stdout=out, stderr=out, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def wait_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    """Raises Trouble when it ends, or does not answer in time."""
    deadline = time.monotonic() + _START_SECONDS
    while not _answers(url):
        if process.poll() is not None:
            lines = log.read_text(errors="replace").strip().splitlines() or ["no output"]
            raise Trouble(f"{log.stem} does not start: {lines[-1]} (all of it: {log})")
        if time.monotonic() > deadline:
            raise Trouble(f"{log.stem} does not answer at {url} after {_START_SECONDS} s (log: {log})")
        time.sleep(0.2)


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=1).is_success
    except httpx.HTTPError:
        return False
