"""Traces that the collector has written: the newest, or one of them as a tree."""

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Span:
    """`start` and `seconds` are in seconds."""

    trace: str
    id: str
    parent: str
    service: str
    name: str
    start: float
    seconds: float
    failed: bool


def read(path: Path) -> Iterator[Span]:
    """In the order they came. A last line that is not whole yet is left out."""
    if not path.exists():
        return
    for line in path.read_text().splitlines(keepends=True):
        if line.endswith("\n"):
            yield from _of_batch(line)


def _of_batch(line: str) -> Iterator[Span]:
    for resource in json.loads(line).get("resourceSpans", ()):
        attributes = {each["key"]: each["value"].get("stringValue", "") for each in resource["resource"]["attributes"]}
        for scope in resource["scopeSpans"]:
            for span in scope["spans"]:
                began, ended = int(span["startTimeUnixNano"]) / 1e9, int(span["endTimeUnixNano"]) / 1e9
                yield Span(
                    span["traceId"],
                    span["spanId"],
                    span.get("parentSpanId", ""),
                    attributes.get("service.name", "?"),
                    span["name"],
                    began,
                    ended - began,
                    span.get("status", {}).get("code") == 2,
                )


def newest(spans: Sequence[Span], count: int) -> list[str]:
    """One line a trace: its id, its length, how many spans of how many processes, and what it began with."""
    traces: dict[str, list[Span]] = defaultdict(list)
    for span in spans:
        traces[span.trace].append(span)
    latest = sorted(traces.values(), key=lambda each: min(span.start for span in each))[-count:]
    return [_line(sorted(each, key=lambda span: span.start)) for each in latest]


def _line(spans: Sequence[Span]) -> str:
    seconds = max(span.start + span.seconds for span in spans) - spans[0].start
    services = len({span.service for span in spans})
    return f"{spans[0].trace} {seconds * 1000:8.1f} ms {len(spans):4} spans {services:2} processes  {spans[0].name}"


def tree(spans: Sequence[Span]) -> list[str]:
    """A line a span of one trace, children below their parents, as in time. Spans whose parent is missing are roots."""
    known = {span.id for span in spans}
    children: dict[str, list[Span]] = defaultdict(list)
    for span in sorted(spans, key=lambda span: span.start):
        children[span.parent if span.parent in known else ""].append(span)
    began = min(span.start for span in spans)

    def below(parent: str, depth: int) -> Iterator[str]:
        for span in children[parent]:
            mark = "  FAILED" if span.failed else ""
            at, took = (span.start - began) * 1000, span.seconds * 1000
            yield f"{at:9.1f} ms {took:9.1f} ms  {'  ' * depth}{span.service}: {span.name}{mark}"
            yield from below(span.id, depth + 1)

    return list(below("", 0))
