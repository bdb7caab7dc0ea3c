"""The phases of the benchmark, each on a system that is up: loads, and what they add up to."""

import asyncio
import concurrent.futures
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from bench.home import asks, figures
from bench.home.freshness import probes, watch
from bench.home.runs import Options, Place, again, checked
from bench.home.system import OURS, System
from bench.load.driver import Run, run
from bench.load.plan import Plan
from bench.measure import Result, result

READS_A_WRITE = 100
_PARTS = (0.1, 0.3, 0.5, 0.6, 0.7, 0.8, 0.9)
_COMPOSED, _PROBED = 10, 5  # spare pictures of each composer for a phase
_MIXED_WRONG = 0.02  # half the capacity for reads may be more than there is beside writes: what is late is told
_UNCACHED = {"HELIOGRAPH_FRAGMENT_CACHE_SECONDS": "0", "HELIOGRAPH_LIST_CACHE_SECONDS": "0"}


@dataclass(frozen=True)
class Point:
    """Of a curve: milliseconds at an offered rate."""

    name: str
    rate: float
    p50: float
    p99: float


def side_by_side(places: Sequence[Place], options: Options) -> dict[str, list[Run]]:
    """As much as goes, one after another, again and again: what the machine does meanwhile meets all alike."""
    found: dict[str, list[Run]] = {place.name: [] for place in places}
    for number in range(options.runs):
        for place in places:
            found[place.name].append(place.closed(options, seed=number + 1))
    return found


def capacity(home: Place, static: Place, textbook: Place, options: Options) -> tuple[list[Result], dict[str, float]]:
    """The figures of all three, and how many requests a second each can answer."""
    places = (home, static, textbook)
    found = side_by_side(places, options)
    results = [one for place in places for one in figures.of_place(place, found[place.name])]
    results.append(result("static_requests_per_cpu_s", "1/CPU-s", figures.per_cpu_second(static, found["static"])))
    results.append(figures.against_static("home_cpu_vs_static", home, found["home"], static, found["static"]))
    reference = figures.rates(found["textbook"])
    rates = figures.rates(found["home"])
    results.append(result("home_rps_vs_textbook", "1/s", rates, reference="textbook_rps", of=reference))
    costs = [textbook.micros(one) for one in found["textbook"]]
    ours = [home.micros(one) for one in found["home"]]
    results.append(result("home_cpu_vs_textbook", "us", ours, reference="textbook_cpu_us", of=costs))
    results.append(figures.generator_cpu(found["home"]))
    return results, {name: statistics.median(figures.rates(runs)) for name, runs in found.items()}


def latency(home: Place, most: float, options: Options) -> list[Result]:
    """At 70% of what 32 connections get at most, at a constant rate."""
    runs = [home.open(options, 0.7 * most, seed=number + 1) for number in range(options.runs)]
    return [
        result("home_p50_ms_at_70", "ms", figures.latency(runs, "p50")),
        result("home_p99_ms_at_70", "ms", figures.latency(runs, "p99")),
        result("home_p999_ms_at_70", "ms", figures.latency(runs, "p999")),
        result("home_cpu_us_at_70", "us", figures.micros(home, runs)),
        result("generator_lateness_p99_ms_at_70", "ms", [one.outcome.own_lateness_ms for one in runs]),
    ]


def curve(place: Place, most: float, options: Options) -> list[Point]:
    """Latency at rising rates; ends where the answers do not keep up."""
    points: list[Point] = []
    for part in _PARTS:
        outcome = place.open(options, part * most).outcome
        points.append(Point(place.name, part * most, outcome.ms["p50"], outcome.ms["p99"]))
        if outcome.ms["p50"] > 1000:
            break
    return points


def uncached(system: System, home: Place, static: Place, options: Options) -> list[Result]:
    """With nothing kept in feed's process."""
    system.restart("feed", _UNCACHED)
    home = again(system, home)
    home.warm(options)
    found = side_by_side((home, static), options)
    name = "home_cpu_vs_static_uncached"
    results = [
        result("home_rps_uncached", "1/s", figures.rates(found["home"])),
        result("home_cpu_us_uncached", "us", figures.micros(home, found["home"])),
        figures.against_static(name, home, found["home"], static, found["static"]),
    ]
    system.restart("feed")
    return results


def profile(system: System, home: Place, options: Options) -> list[Result]:
    wanted = asks.profile(system)
    runs = [home.closed(options, wanted, seed=number + 1) for number in range(options.runs)]
    return [
        result("profile_rps", "1/s", figures.rates(runs)),
        result("profile_p99_ms_at_32", "ms", figures.latency(runs, "p99")),
        result("profile_cpu_us", "us", figures.micros(home, runs)),
    ]


def compose(system: System, home: Place) -> list[Result]:
    """Posts by the composers, eight at once. The CPU is that of all processes of ours while they are sent: what the
    fan-out does of it later is not in it."""
    found = home.once(asks.compose(system, 0, _COMPOSED))
    outcome = found.outcome
    return [
        result("compose_rps", "1/s", [outcome.rate]),
        result("compose_p50_ms", "ms", [outcome.write_ms["p50"]]),
        result("compose_p99_ms", "ms", [outcome.write_ms["p99"]]),
        result("compose_cpu_us", "us", [found.micros(*OURS, "fanout", "media")]),
    ]


def mixed(system: System, home: Place, most: float, options: Options) -> list[Result]:
    """A hundred reads a write at half of what goes, while posts are looked for in feeds."""
    spare = system.social.shape.spare_media
    writes = asks.compose(system, _COMPOSED, spare - _PROBED)
    seconds = options.seconds * 2
    plan = Plan(
        "127.0.0.1", home.port, 256, seconds, asks.moving_home(home.asks), writes, 0.5 * most, READS_A_WRITE
    )  # fmt: skip
    found = probes(system, range(spare - _PROBED, spare))
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        loading = pool.submit(run, plan, home.watched)
        seen = asyncio.run(watch(system.stack.url, found, seconds))
        loaded = checked("mixed", loading.result(), most=_MIXED_WRONG)
    outcome = loaded.outcome
    results = [
        result("mixed_reads_and_writes_per_s", "1/s", [outcome.rate]),
        result("mixed_read_p50_ms", "ms", [outcome.ms["p50"]]),
        result("mixed_read_p99_ms", "ms", [outcome.ms["p99"]]),
        result("mixed_wrong_per_1000", "answers", [1000 * (outcome.failed + outcome.unanswered) / outcome.done]),
        result("mixed_cpu_us", "us", [loaded.micros(*OURS, "fanout", "media")]),
    ]
    if outcome.write_ms:
        results.append(result("mixed_write_p99_ms", "ms", [outcome.write_ms["p99"]]))
    for way, values in sorted(seen.items()):
        results.append(result(f"visible_{way}_p50_ms", "ms", [statistics.median(values)]))
        results.append(result(f"visible_{way}_max_ms", "ms", [max(values)]))
    return results
