"""The sandbox process: `python -m post_service.media.child`. One JSON line in, one out, job after job.

It holds no secret and no connection. Its limits stand before the first byte of a stranger's file is read; it dies with
its parent.
"""

import json
import os
import resource
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from post_service.media.images import Made, RefusedError, make_variants
from post_service.media.lifeline import die_with_parent
from post_service.media.videos import make_video

_FILE_BYTES = 1 << 30


def main() -> None:
    bytes_limit, cpu_seconds = int(sys.argv[1]), int(sys.argv[2])
    die_with_parent()
    _limit(bytes_limit)
    for line in sys.stdin:
        job = json.loads(line)
        _allow_cpu(cpu_seconds)
        sys.stdout.write(json.dumps(_answer(job)) + "\n")
        sys.stdout.flush()


def _limit(address_space: int) -> None:
    resource.setrlimit(resource.RLIMIT_AS, (address_space, address_space))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_FILE_BYTES, _FILE_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _allow_cpu(seconds: int) -> None:
    """So much for the next job, on top of what the jobs before have used."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + 1 + seconds, hard))


def _answer(job: Mapping[str, Any]) -> dict[str, Any]:
    """What is not a refusal ends the process: the parent counts a failed attempt and starts another."""
    try:
        made = _make(job)
    except RefusedError as refused:
        return {"refused": refused.reason}
    except MemoryError:
        os._exit(70)  # nothing that needs memory may run any more
    return {"width": made.width, "height": made.height, "blurhash": made.blurhash, "files": made.files}


def _make(job: Mapping[str, Any]) -> Made:
    source, out, x, y = Path(job["source"]), Path(job["out"]), job["focal_x"], job["focal_y"]
    if job["kind"] == "video":
        return make_video(source, out, focal_x=x, focal_y=y, wall_seconds=job["wall_seconds"])
    return make_variants(source, out, focal_x=x, focal_y=y)


if __name__ == "__main__":
    main()
