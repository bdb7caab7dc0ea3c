"""`make bench-telemetry`: what metrics and traces add to a home feed. See bench/README.md."""

import argparse
import asyncio
import sys
import warnings
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from bench.home import figures
from bench.home.fill import fill
from bench.home.runs import Options, Place, ours
from bench.home.shape import Shape, Social
from bench.home.system import system
from bench.load.driver import Run
from bench.measure import Result, report, result

SHAPE = Shape(users=5_000, viewers=500)
QUICK = Shape(users=300, follows=20, viewers=30, composers=10)
PAIRS, SECONDS = 20, 8.0
_LOAD = 0.5  # of what the slower of the two can do


def main() -> None:
    # Our tokens say EdDSA, which every library knows; its successor name (RFC 9864) few do.
    warnings.filterwarnings("ignore", message="EdDSA is deprecated")
    asked = _arguments()
    options = Options(1, 1.0) if asked.quick else Options(asked.pairs, asked.seconds)
    social = Social(QUICK if asked.quick else replace(SHAPE, seed=asked.seed))
    with ExitStack() as open_:
        telling, silent = (_place(open_, social, silent=silent) for silent in (False, True))
        for place in (telling, silent):
            place.warm(options)
        rate = _LOAD * min(place.closed(options).outcome.rate for place in (telling, silent))
        sys.stderr.write(f"{options.runs} pairs at {rate:.0f} requests a second\n")
        found = in_pairs(telling, silent, options, rate)
    name = "telemetry-quick" if asked.quick else "telemetry"
    report(name, compared(telling, silent, *found), final=not asked.quick)


def _place(open_: ExitStack, social: Social, *, silent: bool) -> Place:
    opened = open_.enter_context(system(social, silent=silent))
    asyncio.run(fill(opened.stack.stores, social))
    return replace(ours(opened), name="silent" if silent else "telemetry")


def in_pairs(telling: Place, silent: Place, options: Options, rate: float) -> tuple[list[Run], list[Run]]:
    """Both in turns, each pair at the same arrivals, and first the one and then the other: what comes second may find a
    machine that is warmer, or more tired."""
    found: dict[str, list[Run]] = {telling.name: [], silent.name: []}
    for number in range(options.runs):
        for place in (telling, silent) if number % 2 else (silent, telling):
            found[place.name].append(place.open(options, rate, seed=number + 1))
    return found[telling.name], found[silent.name]


def compared(telling: Place, silent: Place, told: Sequence[Run], untold: Sequence[Run]) -> list[Result]:
    results: list[Result] = []
    for quantile in ("p50", "p99"):
        mine, other = (figures.latency(runs, quantile) for runs in (told, untold))
        reference = f"silent_{quantile}_ms"
        results.append(result(f"telemetry_{quantile}_ms", "ms", mine, reference=reference, of=other))
        results.append(result(reference, "ms", other))
    mine, other = figures.micros(telling, told), figures.micros(silent, untold)
    return [
        *results,
        result("telemetry_cpu_us", "us", mine, reference="silent_cpu_us", of=other),
        result("silent_cpu_us", "us", other),
    ]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.telemetry", description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each run, of which a pair has two")
    parser.add_argument("--seed", type=int, default=Shape.seed)
    parser.add_argument("--quick", action="store_true", help="a smoke run: its figures mean nothing")
    return parser.parse_args()


if __name__ == "__main__":
    main()
