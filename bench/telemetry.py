"""`make bench-telemetry`: what metrics and traces add to a home feed. See bench/README.md."""

import argparse
import asyncio
import random
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
from bench.measure import Result, report, result, spread

SHAPE = Shape(users=5_000, viewers=500)
QUICK = Shape(users=300, follows=20, viewers=30, composers=10)
PAIRS, SECONDS = 60, 4.0  # short runs, so that a slow minute of the machine is in both
_QUANTILES = {"p50": 0.5, "p99": 0.99}
_DRAWS = 200
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
    for name, part in _QUANTILES.items():
        results += _latency(name, part, told, untold)
    mine, other = figures.micros(telling, told), figures.micros(silent, untold)
    return [
        *results,
        result("telemetry_cpu_us", "us", mine, reference="silent_cpu_us", of=other),
        result("silent_cpu_us", "us", other),
    ]


def _latency(name: str, part: float, told: Sequence[Run], untold: Sequence[Run]) -> list[Result]:
    """Of all requests of all runs together; how far it could have come out otherwise is seen by drawing pairs anew."""
    rng = random.Random(name)  # noqa: S311 the same for the same runs
    mine, other = pooled(told, part), pooled(untold, part)
    drawn: list[tuple[float, float]] = []
    for _ in range(_DRAWS):
        pairs = rng.choices(range(len(told)), k=len(told))
        drawn.append((pooled([told[one] for one in pairs], part), pooled([untold[one] for one in pairs], part)))
    ratios = sorted(mine / other for mine, other in drawn)
    low, high = (ratios[int(part * (len(ratios) - 1))] for part in (0.05, 0.95))
    reference, runs = f"silent_{name}_ms", len(told)
    return [
        _pooled(f"telemetry_{name}_ms", mine, runs, [one for one, _ in drawn], reference, mine / other),
        _pooled(reference, other, runs, [one for _, one in drawn]),
        Result(f"telemetry_{name}_ratio_low", round(low, 4), "ratio", runs, 0.0),
        Result(f"telemetry_{name}_ratio_high", round(high, 4), "ratio", runs, 0.0),
    ]


def _pooled(
    name: str, value: float, runs: int, drawn: Sequence[float], reference: str = "", ratio: float | None = None
) -> Result:
    return Result(name, round(value, 3), "ms", runs, round(spread(drawn), 3), reference, ratio)


def pooled(runs: Sequence[Run], part: float) -> float:
    """Milliseconds within which this part of all answers came."""
    found = sorted(ms for run in runs for ms in run.outcome.read_ms)
    return found[min(len(found) - 1, int(part * len(found)))]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.telemetry", description=__doc__)
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--seconds", type=float, default=SECONDS, help="of each run, of which a pair has two")
    parser.add_argument("--seed", type=int, default=Shape.seed)
    parser.add_argument("--quick", action="store_true", help="a smoke run: its figures mean nothing")
    return parser.parse_args()


if __name__ == "__main__":
    main()
