"""What benchmarks share: repeated runs, the CPU of processes, and the files of results."""

import json
import os
import statistics
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from bench.targets import TARGETS

RESULTS = Path(__file__).parent / "results"
_WIDTH = 150  # of the table, where nobody says otherwise


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


def tree_seconds(pids: Iterable[int]) -> float:
    """The same with all that they have started, whether it still runs or not: servers come in many processes."""
    total = 0.0
    for pid in pids:
        parent = psutil.Process(pid)
        for process in (parent, *parent.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):  # over just now: its parent has its time
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
    return total


def repeated(runs: int, one: Callable[[], float]) -> list[float]:
    return [one() for _ in range(runs)]


def report(name: str, results: Sequence[Result], *, final: bool = True) -> Path:
    """Prints a table and writes bench/results/<name>.json; in latest.json the results replace those of their names,
    unless they are not `final`."""
    Console(width=max(_WIDTH, Console().width)).print(_table(name, results))
    rows = [asdict(found) for found in results]
    path, latest = RESULTS / f"{name}.json", RESULTS / "latest.json"
    _write(path, rows)
    if not final:
        return path
    known: list[dict[str, Any]] = json.loads(latest.read_text()) if latest.exists() else []
    _write(latest, merged(known, rows))
    return path


def merged(known: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """By name; what is new replaces what is known."""
    rows = {row["name"]: row for row in (*known, *new)}
    return [rows[name] for name in sorted(rows)]


def _table(name: str, results: Sequence[Result]) -> Table:
    table = Table("name", "value", "unit", "spread", "runs", "ratio", "reference", "target", "met", title=name)
    for found in results:
        ratio = "" if found.ratio is None else f"{found.ratio:.3g}"
        target = TARGETS.get(found.name)
        met = "" if target is None else "yes" if target.met(found.value, found.ratio) else "NO"
        table.add_row(
            found.name,
            f"{found.value:g}",
            found.unit,
            f"{found.spread:g}",
            str(found.runs),
            ratio,
            found.reference,
            str(target or ""),
            met,
        )
    return table


def _write(path: Path, rows: Sequence[dict[str, Any]]) -> None:
    """Whole or not at all: several programs may report at once."""
    path.parent.mkdir(exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(rows, indent=2) + "\n")
    part.rename(path)


def _round(value: float) -> float:
    return float(f"{value:.4g}")
