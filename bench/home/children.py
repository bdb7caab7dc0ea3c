"""Processes that a benchmark starts beside the system."""

import os
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

_ROOT = Path(__file__).parents[2]
_PATIENCE = 60.0


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


@contextmanager
def child(port: int, *arguments: str, environment: Mapping[str, str] | None = None) -> Generator[int]:
    """The id of `python -m <arguments>`, which listens on the port. Raises SystemExit when it does not get there."""
    command: Sequence[str] = [sys.executable, "-m", *arguments]
    environment = {**os.environ, **(environment or {})}
    with subprocess.Popen(command, cwd=_ROOT, env=environment) as process:  # noqa: S603 ourselves
        try:
            _wait(process, port)
            yield process.pid
        finally:
            process.terminate()


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + _PATIENCE
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{process.args!r} does not listen")
