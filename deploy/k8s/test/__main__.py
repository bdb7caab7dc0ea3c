"""`python -m deploy.k8s.test up | down | run`: a cluster of one node on this machine, and what is tried on it."""

import argparse
import signal
import sys
from types import FrameType

from deploy.k8s.test import backing, cluster, host, tools, trial
from deploy.k8s.test.place import ClusterError, asked, beside, default


def main() -> int:
    parser = argparse.ArgumentParser(prog="deploy.k8s.test", description=__doc__)
    parser.add_argument("command", choices=("up", "down", "run"))
    command = parser.parse_args().command
    signal.signal(signal.SIGTERM, _interrupt)
    try:
        return {"up": _up, "down": _down, "run": _run}[command]()
    except ClusterError as error:
        sys.stderr.write(f"heliograph: {error}\n")
    except KeyboardInterrupt:
        sys.stderr.write("heliograph: interrupted\n")
    return 1


def _run() -> int:
    return trial.run(asked())


def _up() -> int:
    host.refuse_unfit()
    cluster.up(default(), tools.get())
    return 0


def _down() -> int:
    host.refuse_unfit()
    trial.put_away(default())
    backing.down(beside())  # of a trial on a given cluster that was killed
    return 0


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    """The same for `kill` as for Ctrl-C: what was begun is put away."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
