"""Dashboards, rows and panels, and the JSON that Grafana reads. Its schema has far more; these are the parts in use.

Grafana's own library for Python has a version for each version of Grafana, ordered by an epoch that is a time stamp: a
renewed lock may go back to an older Grafana. Three kinds of panel are not worth that.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

Json = dict[str, Any]
DATASOURCE: Json = {"type": "prometheus", "uid": "${datasource}"}
_WIDTH = 24
_SCHEMA = 39  # of Grafana 11, which newer ones read too


@dataclass(frozen=True)
class Query:
    """`legend` is Grafana's: `{{label}}`. `quiet` says why it may find nothing on a system that is well and in use; a
    query without it must find something."""

    expr: str
    legend: str = ""
    quiet: str = ""


@dataclass(frozen=True)
class Panel:
    """`help` says what to read from it. `red` is the value from which on it is red; `unit` is a name of Grafana's."""

    title: str
    queries: Sequence[Query]
    help: str
    unit: str = "short"
    kind: Literal["timeseries", "stat", "table"] = "timeseries"
    red: float | None = None
    stacked: bool = False
    width: int = 8
    height: int = 8


@dataclass(frozen=True)
class Row:
    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True)
class Variable:
    """A choice at the top: the values of `label` in `metric`."""

    name: str
    metric: str
    label: str


@dataclass(frozen=True)
class Board:
    """`name` is the file's, and the end of the identifier that links use."""

    name: str
    title: str
    help: str
    rows: Sequence[Row]
    variables: Sequence[Variable] = ()

    def panels(self) -> Iterator[Panel]:
        for row in self.rows:
            yield from row.panels

    def json(self) -> Json:
        return {
            "uid": f"heliograph-{self.name}",
            "title": f"Heliograph / {self.title}",
            "description": self.help,
            "tags": ["heliograph"],
            "schemaVersion": _SCHEMA,
            "version": 1,
            "editable": False,
            "graphTooltip": 1,
            "refresh": "30s",
            "time": {"from": "now-1h", "to": "now"},
            "timezone": "browser",
            "links": [_LINKS],
            "annotations": {"list": [_RESTARTS]},
            "templating": {"list": [_SOURCE, *map(_variable, self.variables)]},
            "panels": list(_placed(self.rows)),
        }


_LINKS: Json = {
    "type": "dashboards",
    "title": "Heliograph",
    "tags": ["heliograph"],
    "asDropdown": True,
    "keepTime": True,
    "includeVars": False,
}
_RESTARTS: Json = {
    "name": "Starts",
    "datasource": DATASOURCE,
    "enable": True,
    "iconColor": "purple",
    "expr": 'changes(process_start_time_seconds{service!="",process!=""}[1m]) > 0',
    "titleFormat": "{{process}} started",
}
_SOURCE: Json = {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"}


def _variable(variable: Variable) -> Json:
    return {
        "name": variable.name,
        "type": "query",
        "datasource": DATASOURCE,
        "query": {"query": f"label_values({variable.metric}, {variable.label})", "refId": variable.name},
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        "allValue": ".+",
        "current": {"text": "All", "value": "$__all"},
    }


def _placed(rows: Sequence[Row]) -> Iterator[Json]:
    """Rows below one another, their panels from left to right as long as there is room."""
    number = y = 0
    for row in rows:
        number += 1
        yield {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": False,
            "panels": [],
            "gridPos": {"x": 0, "y": y, "w": _WIDTH, "h": 1},
        }
        x, y, tallest = 0, y + 1, 0
        for panel in row.panels:
            if x + panel.width > _WIDTH:
                x, y, tallest = 0, y + tallest, 0
            number += 1
            yield _panel(panel, number) | {"gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height}}
            x, tallest = x + panel.width, max(tallest, panel.height)
        y += tallest


def _panel(panel: Panel, number: int) -> Json:
    reasons = dict.fromkeys(query.quiet for query in panel.queries if query.quiet)
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": "\n\n".join([panel.help, *(f"Empty when: {reason}." for reason in reasons)]),
        "datasource": DATASOURCE,
        "targets": [_target(panel, query, chr(ord("A") + place)) for place, query in enumerate(panel.queries)],
        "fieldConfig": {"defaults": _field(panel), "overrides": []},
        "options": _OPTIONS[panel.kind],
    }


def _target(panel: Panel, query: Query, name: str) -> Json:
    now = panel.kind != "timeseries"
    return {
        "refId": name,
        "datasource": DATASOURCE,
        "expr": query.expr,
        "legendFormat": query.legend or panel.title,
        "instant": now,
        "range": not now,
        "exemplar": not now and "_bucket" in query.expr,
        **({"format": "table"} if panel.kind == "table" else {}),
    }


def _field(panel: Panel) -> Json:
    steps: list[Json] = [{"color": "green", "value": None}]
    if panel.red is not None:
        steps.append({"color": "red", "value": panel.red})
    field: Json = {"unit": panel.unit, "thresholds": {"mode": "absolute", "steps": steps}}
    if panel.kind == "timeseries":
        field["min"] = 0
        field["custom"] = {
            "drawStyle": "line",
            "lineWidth": 1,
            "fillOpacity": 20 if panel.stacked else 5,
            "showPoints": "never",
            "stacking": {"mode": "normal" if panel.stacked else "none"},
            "thresholdsStyle": {"mode": "off" if panel.red is None else "dashed"},
        }
    return field


_OPTIONS: dict[str, Json] = {
    "timeseries": {
        "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"]},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
    "stat": {
        "reduceOptions": {"calcs": ["lastNotNull"]},
        "colorMode": "background",
        "graphMode": "none",
        "textMode": "auto",
    },
    "table": {"showHeader": True},
}
