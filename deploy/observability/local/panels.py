"""Every query of every dashboard, asked of a Prometheus."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, cast

import httpx

from deploy.observability import boards
from deploy.observability.boards.panels import Board, Panel, Query

_WINDOW = "2m"


class Outcome(Enum):
    OK = "ok"
    QUIET = "quiet"  # found nothing, which its dashboard says may be
    EMPTY = "EMPTY"
    FAILED = "FAILED"


@dataclass(frozen=True)
class Finding:
    board: str
    panel: str
    legend: str
    outcome: Outcome
    told: str

    @property
    def bad(self) -> bool:
        return self.outcome in (Outcome.EMPTY, Outcome.FAILED)


class Prometheus:
    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        """`transport` is another one than the network."""
        self._client = httpx.Client(base_url=url, timeout=20, transport=transport)

    def query(self, expression: str) -> list[float]:
        """The values found, without those that are no numbers, as a quantile of nothing is.

        Raises ValueError for what Prometheus refuses, httpx.HTTPError when it does not answer.
        """
        answer = cast("dict[str, Any]", self._client.get("/api/v1/query", params={"query": expression}).json())
        if answer["status"] != "success":
            raise ValueError(answer["error"])
        return [value for sample in answer["data"]["result"] if not math.isnan(value := float(sample["value"][1]))]

    def targets(self) -> tuple[int, list[str]]:
        """How many are scraped, and the names of those that have not answered yet."""
        data = self._client.get("/api/v1/targets", params={"state": "active"}).json()["data"]["activeTargets"]
        return len(data), sorted(each["labels"]["process"] for each in data if each["health"] != "up")

    def broken_rules(self) -> list[str]:
        groups = self._client.get("/api/v1/rules").json()["data"]["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        return [f"{rule['name']}: {rule['lastError']}" for rule in rules if rule["health"] == "err"]

    def firing(self) -> list[str]:
        found = self._client.get("/api/v1/alerts").json()["data"]["alerts"]
        return sorted(each["annotations"]["summary"] for each in found if each["state"] == "firing")


def findings(prometheus: Prometheus) -> Iterator[Finding]:
    for board in boards.every():
        for panel in board.panels():
            for query in panel.queries:
                yield _finding(prometheus, board, panel, query)


def _finding(prometheus: Prometheus, board: Board, panel: Panel, query: Query) -> Finding:
    outcome, told = _ask(prometheus, query, expression(board, query.expr))
    return Finding(board.name, panel.title, query.legend, outcome, told)


def expression(board: Board, text: str) -> str:
    """As Grafana asks when everything is chosen."""
    for variable in board.variables:
        text = text.replace(f"${variable.name}", ".+")
    return text.replace("$__rate_interval", _WINDOW)


def _ask(prometheus: Prometheus, query: Query, text: str) -> tuple[Outcome, str]:
    try:
        values = prometheus.query(text)
    except ValueError as error:
        return Outcome.FAILED, str(error)
    if values:
        return Outcome.OK, f"{len(values)} series, up to {max(values):.4g}"
    return (Outcome.QUIET, query.quiet) if query.quiet else (Outcome.EMPTY, text)
