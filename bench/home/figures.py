"""What runs add up to."""

from collections.abc import Sequence

from bench.home.runs import Place
from bench.load.driver import Run
from bench.measure import Result, result

Runs = Sequence[Run]


def rates(runs: Runs) -> list[float]:
    return [run.outcome.rate for run in runs]


def micros(place: Place, runs: Runs) -> list[float]:
    return [place.micros(run) for run in runs]


def per_cpu_second(place: Place, runs: Runs) -> list[float]:
    return [1e6 / place.micros(run) for run in runs]


def latency(runs: Runs, quantile: str) -> list[float]:
    return [run.outcome.ms[quantile] for run in runs]


def against_static(name: str, place: Place, runs: Runs, static: Place, static_runs: Runs) -> Result:
    """Requests for a CPU second of the processes of each, servers left out."""
    reference = per_cpu_second(static, static_runs)
    return result(
        name, "requests/CPU-s", per_cpu_second(place, runs), reference="static_requests_per_cpu_s", of=reference
    )


def of_place(place: Place, runs: Runs) -> list[Result]:
    """Rate, latency and CPU at as much as goes."""
    name = place.name
    found = [
        result(f"{name}_rps", "1/s", rates(runs)),
        result(f"{name}_p50_ms_at_32", "ms", latency(runs, "p50")),
        result(f"{name}_p99_ms_at_32", "ms", latency(runs, "p99")),
        result(f"{name}_cpu_us", "us", micros(place, runs)),
        result(f"{name}_page_bytes", "bytes", [run.outcome.bytes_in / run.outcome.done for run in runs]),
    ]
    if len(place.ours) > 1:
        found += [result(f"{name}_cpu_us_{one}", "us", [run.micros(one) for run in runs]) for one in place.ours]
    if len(place.watched) > 1:
        found.append(result(f"{name}_servers_cpu_us", "us", [place.server_micros(run) for run in runs]))
    return found


def generator_cpu(runs: Runs) -> Result:
    """What the generator itself takes of the machine that it shares with all that it measures."""
    values = [run.outcome.own_cpu_seconds / run.outcome.done * 1e6 for run in runs]
    return result("generator_cpu_us", "us", values)
