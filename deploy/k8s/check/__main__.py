"""The checks of the charts, one line each as they end; status 1 when one failed, 64 when it is asked for none."""

import sys
import time

from deploy.k8s.check import charts
from deploy.k8s.check.shell import Fault, tools
from deploy.k8s.check.steps import Checks


def main(words: list[str]) -> int:
    started = time.monotonic()
    try:
        tools()
        with charts.prepared() as folder:
            checks = Checks(folder)
            if words == ["--golden"]:
                checks.renew()
                return 0
            if unknown := set(words) - set(checks.all):
                sys.stderr.write(f"no step {', '.join(sorted(unknown))}; there are {', '.join(checks.all)}\n")
                return 64
            failed = [name for name in words or checks.all if not _passes(checks, name)]
    except Fault as fault:
        sys.stderr.write(f"charts: {fault}\n")
        return 1
    seconds = time.monotonic() - started
    print(f"charts: {'failed: ' + ', '.join(failed) if failed else 'ok'} ({seconds:.0f} s)")
    return 1 if failed else 0


def _passes(checks: Checks, name: str) -> bool:
    started = time.monotonic()
    try:
        told = checks.all[name]()
    except Fault as fault:
        print(f"charts: {name} FAILED ({time.monotonic() - started:.1f} s)\n{fault}", flush=True)
        return False
    print(f"charts: {name} ok ({time.monotonic() - started:.1f} s){': ' + told if told else ''}", flush=True)
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
