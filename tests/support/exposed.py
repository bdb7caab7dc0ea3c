"""What processes expose on /metrics, as a table: one row a metric."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

FILE = Path(__file__).parents[2] / "docs/metrics.md"
PREFIX = "heliograph_"
EVERY = "all"
_ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| (.*?) \| (.*?) \| (.*) \|$", re.MULTILINE)
_OF_HISTOGRAMS = frozenset({"le"})


@dataclass(frozen=True, order=True)
class Row:
    """`labels` and `processes` are as written in the table."""

    name: str
    type: str
    labels: str
    processes: str
    meaning: str

    def __str__(self) -> str:
        return f"| `{self.name}` | {self.type} | {self.labels} | {self.processes} | {self.meaning} |"


@dataclass
class Exposed:
    """One metric of all processes together."""

    name: str
    type: str
    meaning: str
    labels: set[str] = field(default_factory=set[str])
    processes: set[str] = field(default_factory=set[str])


def families(text: str) -> list[Metric]:
    """Those of ours."""
    return [family for family in text_string_to_metric_families(text) if family.name.startswith(PREFIX)]


def exposed(pages: Mapping[str, Sequence[Metric]]) -> Iterable[Exposed]:
    """`pages` are the metrics by process."""
    found: dict[str, Exposed] = {}
    for process, metrics in pages.items():
        for metric in metrics:
            name = metric.name + ("_total" if metric.type == "counter" else "")
            one = found.setdefault(name, Exposed(name, metric.type, metric.documentation))
            one.processes.add(process)
            one.labels.update(*(sample.labels for sample in metric.samples))
    return found.values()


def row_of(one: Exposed, all_processes: int) -> Row:
    labels = ", ".join(f"`{label}`" for label in sorted(one.labels - _OF_HISTOGRAMS))
    processes = EVERY if len(one.processes) == all_processes else ", ".join(sorted(one.processes))
    return Row(one.name, one.type, labels, processes, one.meaning)


def documented(text: str) -> dict[str, Row]:
    rows = (Row(*found.groups()) for found in _ROW.finditer(text))
    return {row.name: row for row in rows}
