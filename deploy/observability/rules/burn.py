"""Recording rules and alerts of the objectives: burn rates over two windows each, so that an alert neither fires for a
blip nor goes on long after the end (the multi-window, multi-burn-rate way of Google's SRE workbook)."""

from dataclasses import dataclass
from typing import Any

from deploy.observability.rules.objectives import OBJECTIVES, Objective

Json = dict[str, Any]
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d")
LEAST_BAD = 10
"""Fewer bad events than that in the long window wake nobody: at night one failure can be a tenth of all."""
_SECONDS = {"1h": 3600, "6h": 21_600, "1d": 86_400, "3d": 259_200}


@dataclass(frozen=True)
class Pace:
    """Fires when both windows burn `factor` times what is allowed; `spent` is what the long window then has used."""

    long: str
    short: str
    factor: float
    spent: str


FAST = (Pace("1h", "5m", 14.4, "2%"), Pace("6h", "30m", 6, "5%"))
SLOW = (Pace("1d", "2h", 3, "10%"), Pace("3d", "6h", 1, "10%"))


def recording() -> Json:
    base = [rule for objective in OBJECTIVES for rule in _base(objective)]
    burns = [_burn(objective, window) for objective in OBJECTIVES for window in WINDOWS]
    return {
        "groups": [
            {"name": "heliograph-sli", "rules": base},
            {"name": "heliograph-burn", "rules": burns},
        ]
    }


def alerts() -> Json:
    rules = [rule for objective in OBJECTIVES for rule in (_alert(objective, FAST), _alert(objective, SLOW))]
    return {"groups": [{"name": "heliograph-objectives", "rules": rules}]}


def _base(objective: Objective) -> list[Json]:
    labels = {"sli": objective.sli}
    return [
        {"record": "heliograph:sli_bad:rate5m", "expr": objective.bad, "labels": labels},
        {"record": "heliograph:sli_events:rate5m", "expr": objective.events, "labels": labels},
    ]


def _burn(objective: Objective, window: str) -> Json:
    """From the recorded rates: a rate over three days of all routes would be dear to compute."""
    bad, events = (f'heliograph:sli_{name}:rate5m{{sli="{objective.sli}"}}' for name in ("bad", "events"))
    if window != "5m":
        bad, events = (f"sum_over_time({series}[{window}])" for series in (bad, events))
    return {"record": f"heliograph:slo_burn:ratio{window}", "expr": f"{bad} / {events} / {objective.budget:g}"}


def _alert(objective: Objective, paces: tuple[Pace, ...]) -> Json:
    fast = paces is FAST
    return {
        "alert": objective.alert + ("" if fast else "Slowly"),
        "expr": "\nor\n".join(_condition(objective, pace) for pace in paces),
        "for": "2m" if fast else "15m",
        "labels": {"severity": "critical" if fast else "warning", "area": "objectives", "sli": objective.sli},
        "annotations": {
            "summary": f"{objective.title}: the budget for errors burns {'fast' if fast else 'too fast'}",
            "description": (
                f"{objective.promise} Now {{{{ $value | humanize }}}} times more is bad than a month allows; "
                f"{' or '.join(pace.spent for pace in paces)} of the month's budget is gone. "
                f"People notice: {objective.felt}."
            ),
            "runbook_url": f"docs/runbooks/objectives.md#{objective.sli}",
            "dashboard": f"heliograph-{objective.board}",
        },
    }


def _condition(objective: Objective, pace: Pace) -> str:
    where = f'{{sli="{objective.sli}"}}'
    burns = (f"heliograph:slo_burn:ratio{window}{where} > {pace.factor:g}" for window in (pace.long, pace.short))
    bad = f"avg_over_time(heliograph:sli_bad:rate5m{where}[{pace.long}]) * {_SECONDS[pace.long]} > {LEAST_BAD}"
    return "(" + " and ".join([*burns, bad]) + ")"
