"""`python -m deploy.security [CHECK...]`: the checks of what we depend on and what we publish, two at a time.

Ends with 1 when one of them found a fault. One that could not look says so, in the last lines too, and is not a fault
unless HELIOGRAPH_AUDIT_REQUIRED is set.
"""

import sys
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

from deploy.security import audit, code, leaks, pins, sbom
from deploy.security.report import Report

ROOT = Path(__file__).parents[2]
CHECKS: Mapping[str, Callable[[Path], Report]] = {
    "leaks": leaks.check,
    "code": code.check,
    "sbom": sbom.check,
    "audit": lambda root: audit.check(root, datetime.now(UTC).date()),
    "pins": pins.check,
}


def _timed(name: str) -> tuple[Report, float]:
    began = time.monotonic()
    return CHECKS[name](ROOT), time.monotonic() - began


def main() -> None:
    wanted = sys.argv[1:] or list(CHECKS)
    if unknown := set(wanted) - CHECKS.keys():
        sys.exit(f"no check {', '.join(sorted(unknown))}: there are {', '.join(CHECKS)}")
    reports: list[Report] = []
    with ThreadPoolExecutor(2) as threads:
        for report, seconds in threads.map(_timed, wanted):
            reports.append(report)
            sys.stdout.write("\n".join(report.lines()) + f" ({seconds:.0f} s)\n")
            sys.stdout.flush()
    for outcome in ("FAILED", "SKIPPED"):
        if names := [report.name for report in reports if report.outcome == outcome]:
            sys.stdout.write(f"{outcome}: {', '.join(names)}\n")
    sys.exit(any(report.faults for report in reports))


if __name__ == "__main__":
    main()
