"""Running programs: with their answer, or in the background with a file that says which."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deploy.k8s.test.place import INSIDE, ClusterError, Place

LINES = 6


def run(command: Sequence[str], *, given: str = "", told: Mapping[str, str] | None = None) -> str:
    """What it prints. Raises ClusterError with the end of its complaint."""
    environment = {**os.environ, **(told or {})}
    done = subprocess.run(command, input=given, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-LINES:]
        raise ClusterError(f"{' '.join(command[:4])}: " + (" / ".join(said) or f"status {done.returncode}"))
    return done.stdout


def attempt(command: Sequence[str]) -> bool:
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def wait_for(what: str, ready: Callable[[], bool], seconds: float = 60, pause: float = 0.2) -> None:
    """Raises ClusterError when it takes longer."""
    until = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > until:
            raise ClusterError(f"{what}: not within {seconds:.0f} s")
        time.sleep(pause)


def start(place: Place, name: str, command: Sequence[str]) -> None:
    """In the cluster's network, in a session of its own, so that an interrupt at the terminal does not reach it."""
    with place.log(name).open("ab") as log:
        process = subprocess.Popen(
            [*INSIDE, *command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
    _mark(place, name).write_text(f"{process.pid} {_started(process.pid)}")


def _mark(place: Place, name: str) -> Path:
    return place.folder("pids") / name


def alive(place: Place, name: str) -> int:
    """Its process, or 0. A process that got the number of a dead one is not taken for it."""
    mark = _mark(place, name)
    pid, _, started = mark.read_text().partition(" ") if mark.exists() else ("0", "", "")
    return int(pid) if started and _started(int(pid)) == started else 0


def _started(pid: int) -> str:
    """When, in ticks since the machine was; nothing when it is no more."""
    try:
        state, *rest = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return "" if state == "Z" else rest[18]


def stop(place: Place, name: str, seconds: float = 10) -> None:
    """Asks, waits, and makes it."""
    if pid := alive(place, name):
        os.kill(pid, signal.SIGTERM)
        try:
            wait_for(name, lambda: not alive(place, name), seconds)
        except ClusterError:
            os.kill(pid, signal.SIGKILL)
            wait_for(name, lambda: not alive(place, name), seconds)
    _mark(place, name).unlink(missing_ok=True)
