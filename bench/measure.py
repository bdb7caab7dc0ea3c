"""What benchmarks share: repeated runs, the CPU of processes, and the file of results."""

import json
import statistics
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Result:
    """`value` is the median of the runs, `spread` the distance of their quartiles. `reference` names what the same run
    measured beside it, `ratio` is value over reference; both empty where a figure stands alone."""

    name: str
    value: float
    unit: str
    runs: int
    spread: float
    reference: str = ""
    ratio: float | None = None


def result(name: str, unit: str, values: Sequence[float], *, reference: str = "", of: Sequence[float] = ()) -> Result:
    """`of` are the reference's values, run by run beside `values`."""
    ratio = statistics.median(value / base for value, base in zip(values, of, strict=True)) if of else None
    return Result(name, _round(statistics.median(values)), unit, len(values), _round(spread(values)), reference, ratio)


def spread(values: Sequence[float]) -> float:
    if len(values) < 2:
        return 0.0
    low, _, high = statistics.quantiles(values, n=4, method="inclusive")
    return high - low


def cpu_seconds(pids: Iterable[int]) -> float:
    """User and system time of the processes so far."""
    times = (psutil.Process(pid).cpu_times() for pid in pids)
    return sum(time.user + time.system for time in times)


def repeated(runs: int, one: Callable[[], float]) -> list[float]:
    return [one() for _ in range(runs)]


def report(name: str, results: Sequence[Result]) -> Path:
    """Prints a table and writes bench/results/<name>.json."""
    table = Table("name", "value", "unit", "spread", "runs", "ratio", "reference", title=name)
    for found in results:
        ratio = "" if found.ratio is None else f"{found.ratio:.3g}"
        table.add_row(
            found.name, f"{found.value:g}", found.unit, f"{found.spread:g}", str(found.runs), ratio, found.reference
        )
    Console().print(table)
    path = RESULTS / f"{name}.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps([asdict(found) for found in results], indent=2) + "\n")
    return path


def _round(value: float) -> float:
    return float(f"{value:.4g}")
