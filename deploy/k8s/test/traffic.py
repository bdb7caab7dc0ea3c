"""Requests that go on while things change, from a process of their own in the cluster's network."""

import json
import signal
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.k8s.test import cluster
from deploy.k8s.test.place import ClusterError, Place
from deploy.k8s.test.shell import wait_for


@dataclass(frozen=True)
class Count:
    requests: int = 0
    failed: int = 0
    slowest_ms: int = 0
    failures: tuple[str, ...] = ()


@dataclass(frozen=True)
class Traffic:
    file: Path

    def count(self) -> Count:
        if not self.file.exists():
            return Count()
        told = json.loads(self.file.read_text())
        return Count(told["requests"], told["failed"], told["slowest_ms"], tuple(told["failures"]))


@contextmanager
def flowing(place: Place, url: str, *, people: int = 6, pause: float = 0.5) -> Generator[Traffic]:
    """Raises ClusterError when nobody can even begin, or when those who began do not end."""
    file = place.root / f"traffic-{people}.json"
    file.unlink(missing_ok=True)
    options = ["--url", url, "--report", str(file), f"--people={people}", f"--pause={pause}"]
    process = cluster.inside(place, [sys.executable, "-m", "deploy.k8s.test.load", *options])
    traffic = Traffic(file)
    try:
        wait_for("the first requests", lambda: traffic.count().requests > people or process.poll() is not None, 120)
        _refuse_dead(process)
        yield traffic
        _refuse_dead(process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _refuse_dead(process: "subprocess.Popen[str]") -> None:
    if process.poll() is not None:
        said = process.stdout.read() if process.stdout else ""
        raise ClusterError(f"the requests ended: {said.strip()[-500:]}")
