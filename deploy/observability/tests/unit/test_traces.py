"""Traces as the collector writes them."""

import json
from pathlib import Path

from deploy.observability.local import traces


def batch(service: str, *spans: tuple[str, str, str, int, int]) -> str:
    """Spans as (trace, id, parent, start, end); times in milliseconds."""
    made = [
        {
            "traceId": trace,
            "spanId": id_,
            "parentSpanId": parent,
            "name": f"span {id_}",
            "startTimeUnixNano": str(start * 1_000_000),
            "endTimeUnixNano": str(end * 1_000_000),
        }
        for trace, id_, parent, start, end in spans
    ]
    resource = {"attributes": [{"key": "service.name", "value": {"stringValue": service}}]}
    return json.dumps({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": made}]}]}) + "\n"


def written(folder: Path) -> list[traces.Span]:
    path = folder / "traces.jsonl"
    text = batch("gateway", ("t1", "a", "", 1000, 1100)) + batch("post", ("t1", "b", "a", 1010, 1050))
    path.write_text(text + batch("fanout", ("t2", "c", "gone", 2000, 2001)) + '{"resourceSp')
    return list(traces.read(path))


def test_a_trace_is_a_tree_over_processes(tmp_path: Path) -> None:
    lines = traces.tree([span for span in written(tmp_path) if span.trace == "t1"])
    assert [line.rpartition("ms  ")[2] for line in lines] == ["gateway: span a", "  post: span b"]
    assert lines[1].split()[:2] == ["10.0", "ms"]


def test_a_span_without_its_parent_begins_a_tree(tmp_path: Path) -> None:
    assert len(traces.tree([span for span in written(tmp_path) if span.trace == "t2"])) == 1


def test_the_newest_come_last_and_say_how_many_processes_they_met(tmp_path: Path) -> None:
    first, second = traces.newest(written(tmp_path), 5)
    assert first.split()[0] == "t1"
    assert "2 spans  2 processes" in first
    assert second.split()[0] == "t2"


def test_without_a_file_there_are_none(tmp_path: Path) -> None:
    assert list(traces.read(tmp_path / "none")) == []
