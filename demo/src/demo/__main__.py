"""`python -m demo --url http://127.0.0.1:8080`: live the main job on a running system.

Prints each step with its time; the last line is JSON. Exit status 1 with the failing step when one fails.
"""

import argparse
import json
import os
import sys
import time

import httpx

from demo.client import ProblemError
from demo.story import StepFailedError, Story


def main() -> int:
    parser = argparse.ArgumentParser(prog="demo", description="A photo reaches a follower, through the REST API alone.")
    default = os.environ.get("HELIOGRAPH_URL", "http://127.0.0.1:8080")
    parser.add_argument("--url", default=default, help="base of the API (default: HELIOGRAPH_URL, or %(default)s)")
    url = parser.parse_args().url
    story = Story(url)
    began = time.monotonic()
    try:
        for step in story.steps():
            started = time.monotonic()
            try:
                step.act()
            except (StepFailedError, ProblemError, httpx.HTTPError, KeyError) as error:
                return _fail(url, step.name, error)
            print(f"  {step.name:<42} {(time.monotonic() - started) * 1000:7.0f} ms", flush=True)
    finally:
        story.close()
    total = int((time.monotonic() - began) * 1000)
    print(json.dumps({"ok": True, **story.metrics, "total_ms": total}))
    return 0


def _fail(url: str, step: str, error: Exception) -> int:
    why = f"missing field {error}" if isinstance(error, KeyError) else str(error)
    if isinstance(error, httpx.ConnectError):
        why = f"nothing answers at {url} ({error}); is the system up? `make up` starts it, `make status` shows it"
    print(f"  {step:<42}  FAILED: {why}", flush=True)
    print(json.dumps({"ok": False, "step": step, "error": why}))
    return 1


if __name__ == "__main__":
    sys.exit(main())
