"""`make bench-home`: what a home feed costs, beside a static route and a textbook's stack. See bench/README.md."""

import argparse
import asyncio
import sys
import warnings
from collections.abc import Generator
from dataclasses import asdict, replace
from datetime import datetime

from bench.home import phases, plot
from bench.home.fill import fill
from bench.home.growth import growth
from bench.home.runs import Options, Place, again, ours, peers, shorter
from bench.home.shape import Shape, Social
from bench.home.system import System, system
from bench.measure import RESULTS, Result, report

QUICK = Shape(users=500, follows=20, viewers=40, composers=20)


def main() -> None:
    # Our tokens say EdDSA, which every library knows; its successor name (RFC 9864) few do.
    warnings.filterwarnings("ignore", message="EdDSA is deprecated")
    asked = _arguments()
    options = Options(asked.runs, asked.seconds)
    shape = QUICK if asked.quick else Shape(users=asked.users, viewers=asked.viewers)
    shape = replace(shape, seed=asked.seed, until=asked.until or shape.until)
    if asked.quick:
        options = Options(runs=1, seconds=1.0)
    _say(f"shape: {', '.join(f'{name}={value}' for name, value in asdict(shape).items())}")
    results: list[Result] = []
    try:
        if asked.only != "growth":
            social = Social(shape)
            with system(social) as opened:
                asyncio.run(fill(opened.stack.stores, social))
                for phase in measured(opened, options, quick=asked.quick):
                    results += phase
        if asked.only != "home" and not asked.quick:
            results += growth(replace(shape, viewers=min(shape.viewers, 500)), options)
    finally:  # what a phase found stands, whatever becomes of the next
        report("home-quick" if asked.quick else "home", results, final=not asked.quick)


def measured(opened: System, options: Options, *, quick: bool) -> Generator[list[Result]]:
    """Phase by phase. Raises SystemExit where answers are wrong."""
    home = ours(opened)
    _say("reading every feed once, from truth")
    home.warm(options)
    with peers(opened, home) as (static, textbook):
        textbook.warm(shorter(options))
        _say("home, static and textbook in turns")
        found, most = phases.capacity(home, static, textbook, options)
        yield found
        yield phases.latency(home, most["home"], options)
        if not quick:
            _plot([home, textbook], most, options)
        yield phases.profile(opened, home, options)
        _say("with nothing kept in feed's process")
        yield phases.uncached(opened, home, static, options)
    home = again(opened, home)
    home.warm(options)
    _say("compose, then all mixed")
    yield phases.compose(opened, home)
    yield phases.mixed(opened, home, most["home"], options)


def _plot(places: list[Place], most: dict[str, float], options: Options) -> None:
    points = [point for place in places for point in phases.curve(place, most[place.name], shorter(options))]
    plot.write(RESULTS / "latest.svg", points)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.home", description=__doc__)
    parser.add_argument("--users", type=int, default=Shape.users)
    parser.add_argument("--viewers", type=int, default=Shape.viewers)
    parser.add_argument("--seed", type=int, default=Shape.seed)
    parser.add_argument(
        "--until", type=datetime.fromisoformat, help="when the newest post was made; default: this hour"
    )
    parser.add_argument("--runs", type=int, default=Options.runs)
    parser.add_argument("--seconds", type=float, default=Options.seconds)
    parser.add_argument("--only", choices=("home", "growth"))
    parser.add_argument("--quick", action="store_true", help="a smoke run: its figures mean nothing")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
