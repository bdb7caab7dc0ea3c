"""What docs/metrics.md says is what every process of a system shows, and no label can grow with what people do."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

import httpx
import pytest
from demo.story import Story
from prometheus_client import Metric
from prometheus_client.openmetrics import parser
from support.exposed import FILE, Row, documented, exposed, families, row_of
from support.observed import PROCESSES, Observed

_MOST_SERIES = 400  # of one metric in one process, its buckets not counted
_MOST_VALUES = 120  # of one label in all processes
_AN_ID = re.compile(r"\d{5,}|[0-9a-f]{16,}|@|[0-9a-f]{8}-[0-9a-f]{4}")
_BOUNDED = frozenset({"le", "partition"})
OPEN_METRICS = {"Accept": "application/openmetrics-text; version=1.0.0"}

Pages = Mapping[str, Sequence[Metric]]


@pytest.fixture(scope="module")
def lived(observed: Observed) -> Observed:
    """After people used it."""
    story = Story(observed.stack.url)
    for step in story.steps():
        step.act()
    story.close()
    return observed


@pytest.fixture(scope="module")
def pages(lived: Observed) -> Pages:
    return {name: families(shown(lived, name).text) for name in PROCESSES}


def test_every_metric_is_in_the_table_and_nothing_else(pages: Pages):
    table = documented(FILE.read_text())
    found = {one.name: one for one in exposed(pages)}
    wanted = [row_of(one, len(PROCESSES)) for one in sorted(found.values(), key=lambda one: one.name)]
    # Labels that were not used yet are not shown: those in the table may be more than those found.
    wrong = [str(row) for row in wanted if not _same(table.get(row.name), row)]
    assert not wrong, "docs/metrics.md has to say\n" + "\n".join(wrong)
    assert table.keys() == found.keys(), "docs/metrics.md tells of what is not there"


def _same(told: Row | None, row: Row) -> bool:
    return told is not None and replace(told, labels=row.labels) == row and _labels(row) <= _labels(told)


def _labels(row: Row) -> set[str]:
    return set(filter(None, row.labels.split(", ")))


def test_no_label_grows_with_people_or_posts(pages: Pages):
    values: dict[tuple[str, str], set[str]] = {}
    for process, metrics in pages.items():
        for metric in metrics:
            series = {tuple(_kept(sample.labels)) for sample in metric.samples}
            assert len(series) <= _MOST_SERIES, (process, metric.name)
            for label, value in (pair for one in series for pair in one):
                values.setdefault((metric.name, label), set()).add(value)
    for (name, label), found in values.items():
        assert len(found) <= _MOST_VALUES, (name, label, len(found))
        assert not [value for value in found if _AN_ID.search(value)], (name, label)


def _kept(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, value) for name, value in sorted(labels.items()) if name not in _BOUNDED]


@pytest.mark.parametrize(
    ("process", "metric"),
    [
        ("gateway", "heliograph_http_seconds"),
        ("post", "heliograph_rpc_server_seconds"),
        ("gateway", "heliograph_rpc_client_seconds"),
        ("post", "heliograph_outbox_delay_seconds"),
        ("index", "heliograph_event_age_seconds"),
        ("fanout", "heliograph_fanout_delay_seconds"),
    ],
)
def test_durations_name_traces_that_were_collected(lived: Observed, process: str, metric: str):
    answer = shown(lived, process, **OPEN_METRICS)
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    (family,) = (family for family in _families(answer.text) if family.name == metric)
    named = {sample.exemplar.labels["trace_id"] for sample in family.samples if sample.exemplar}
    assert named
    assert all(re.fullmatch("[0-9a-f]{32}", trace) for trace in named)


def _families(text: str) -> list[Metric]:
    return list(parser.text_string_to_metric_families(text))  # pyright: ignore[reportUnknownArgumentType] untyped


def test_the_plain_format_has_no_exemplars(lived: Observed):
    assert "trace_id" not in shown(lived, "gateway").text


def shown(observed: Observed, name: str, **headers: str) -> httpx.Response:
    return httpx.get(f"{observed.stack.ops_url(name)}/metrics", headers=headers, trust_env=False)
