"""Runs a generator and reads the CPU that others spent meanwhile."""

import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.load.plan import Outcome, Plan
from bench.measure import tree_seconds

_ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Run:
    """A load, and the CPU seconds of each group of processes, with their children, while it lasted."""

    outcome: Outcome
    cpu: Mapping[str, float]

    def micros(self, *groups: str) -> float:
        """CPU microseconds of the groups for a request, all together."""
        return sum(self.cpu[group] for group in groups) / max(1, self.outcome.done) * 1e6


def run(plan: Plan, watched: Mapping[str, Sequence[int]]) -> Run:
    """`watched` are process ids by group. Raises SystemExit when the generator cannot work."""
    with subprocess.Popen(  # nosec B603 our own arguments
        [sys.executable, "-m", "bench.load"], cwd=_ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdin is not None  # noqa: S101 as asked for
        assert child.stdout is not None  # noqa: S101 both are pipes
        child.stdin.write(plan.dumps() + "\n")
        child.stdin.flush()
        if child.stdout.readline() != "ready\n":
            raise SystemExit("the generator of load did not start")
        before = {name: tree_seconds(pids) for name, pids in watched.items()}
        child.stdin.write("\n")
        child.stdin.flush()
        line = child.stdout.readline()
        after = {name: tree_seconds(pids) for name, pids in watched.items()}
    if not line:
        raise SystemExit("the generator of load died")
    return Run(Outcome.loads(line), {name: after[name] - before[name] for name in watched})
