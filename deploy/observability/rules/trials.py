"""promtool's unit tests of the objectives: each alert on series that must wake somebody, and on others."""

from collections.abc import Iterator, Mapping
from typing import Any

from deploy.observability.rules.objectives import OBJECTIVES, Objective

Json = dict[str, Any]
_MINUTES = 70


def trials() -> Json:
    return {
        "rule_files": ["../alerts/recording.yaml", "../alerts/objectives.yaml"],
        "evaluation_interval": "1m",
        "tests": [test for objective in OBJECTIVES for test in _of(objective)],
    }


def _of(objective: Objective) -> Iterator[Json]:
    """Bad is far more than allowed, a tenth of what is, half of very few, and twice what is allowed."""
    fast, slow = objective.alert, objective.alert + "Slowly"
    title = objective.title
    burning = (0.2, 100) if objective.budget >= 0.01 else (0.02, 1000)
    yield _test(f"{title}: burns", _series(objective, *burning), {fast: "65m"}, {})
    little = objective.budget / 10
    yield _test(f"{title}: as promised", _series(objective, little, 1000), {}, {fast: "65m", slow: "65m"})
    yield _test(f"{title}: a few at night", _series(objective, 0.5, 0.04), {}, {fast: "65m"})
    twice = _series(objective, 2 * objective.budget, 10_000)
    yield _test(f"{title}: burns slowly", twice, {slow: "65m"}, {fast: "65m"})


def _test(name: str, series: Mapping[str, float], fires: Json, quiet: Json) -> Json:
    inputs = [{"series": series_, "values": f"0+{each:g}x{_MINUTES}"} for series_, each in series.items()]
    checks = [_check(alert, time, [{"labels": "{}", "value": 1}]) for alert, time in fires.items()]
    checks += [_check(alert, time, []) for alert, time in quiet.items()]
    return {"name": name, "interval": "1m", "input_series": inputs, "promql_expr_test": checks}


def _check(alert: str, time: str, samples: list[Json]) -> Json:
    return {
        "expr": f'count(ALERTS{{alertname="{alert}",alertstate="firing"}})',
        "eval_time": time,
        "exp_samples": samples,
    }


def _series(objective: Objective, bad: float, events: float) -> dict[str, float]:
    """What processes count in one step when `bad` is the share of `events` that breaks the promise."""
    return {
        "reads": lambda: _statuses("GET", "/v1/users/{username}", bad, events),
        "writes": lambda: _statuses("POST", "/v1/posts", bad, events),
        "home-feed": lambda: _timed(
            "heliograph_http_seconds", 'method="GET",route="/v1/me/feed",status="200"', "0.3", bad, events
        ),
        "post-visible": lambda: _timed("heliograph_fanout_delay_seconds", 'lane="small"', "5.0", bad, events),
        "notification": lambda: _timed("heliograph_event_age_seconds", 'group="notify.inbox"', "10.0", bad, events),
        "search": lambda: _timed("heliograph_event_age_seconds", 'group="search.index"', "30.0", bad, events),
    }[objective.sli]()


def _statuses(method: str, route: str, bad: float, events: float) -> dict[str, float]:
    where = f'method="{method}",route="{route}"'
    return {
        f'heliograph_http_seconds_count{{{where},status="200"}}': (1 - bad) * events,
        f'heliograph_http_seconds_count{{{where},status="503"}}': bad * events,
    }


def _timed(histogram: str, where: str, le: str, bad: float, events: float) -> dict[str, float]:
    return {
        f'{histogram}_bucket{{{where},le="{le}"}}': (1 - bad) * events,
        f"{histogram}_count{{{where}}}": events,
    }
