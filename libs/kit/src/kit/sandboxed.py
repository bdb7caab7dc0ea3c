"""The inside of kit.sandbox: one JSON line in, one out, job after job.

The process holds no secret and no connection. Its limits stand before the first byte of a stranger's file is read; it
dies with its parent.
"""

import ctypes
import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Mapping
from typing import Any

_FILE_BYTES = 1 << 30
_PR_SET_PDEATHSIG = 1

Work = Callable[[Mapping[str, Any]], Mapping[str, Any]]


class RefusedError(Exception):
    """The file will never become what was asked for; the text is a stable SCREAMING_SNAKE reason."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def serve(work: Work) -> None:
    """To be called by a module that kit.sandbox runs. `work` raises RefusedError for a file that will never do; what
    else it raises ends the process: the parent counts a failure and starts another."""
    bytes_limit, cpu_seconds = int(sys.argv[1]), int(sys.argv[2])
    die_with_parent()
    _limit(bytes_limit)
    for line in sys.stdin:
        job = json.loads(line)
        _allow_cpu(cpu_seconds)
        sys.stdout.write(json.dumps(_answer(work, job)) + "\n")
        sys.stdout.flush()


def die_with_parent() -> None:
    """Linux only; elsewhere the end of the input ends a process."""
    parent = os.getppid()
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def _limit(address_space: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _allow_cpu(seconds: int) -> None:
    """So much for the next job, on top of what the jobs before have used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + seconds, hard))


def _answer(work: Work, job: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return {"made": work(job)}
    except RefusedError as refused:
        return {"refused": refused.reason}
    except MemoryError:
        os._exit(70)  # nothing that needs memory may run any more
