"""What the checks find, and what they let pass."""

from typing import Any

import pytest

from deploy.observability import check, files, names


def alert(**annotations: str) -> dict[str, Any]:
    told = {"summary": "s", "description": "d", "runbook_url": "docs/runbooks/dead-letters.md#replay"}
    told |= {"dashboard": "heliograph-kafka"} | annotations
    return {"alert": "HeliographDeadLetters", "labels": {"severity": "critical", "area": "x"}, "annotations": told}


def given(monkeypatch: pytest.MonkeyPatch, *rules: dict[str, Any]) -> None:
    monkeypatch.setattr(check, "rules", lambda: iter(rules))


def test_the_tree_is_as_it_should_be() -> None:
    assert [found for _, found in check.faults(promtool=False) if found] == []


def test_a_runbook_must_exist_have_the_section_and_name_the_alert(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, alert())
    assert check.runbooks() == []
    given(monkeypatch, alert(runbook_url="docs/runbooks/none.md"))
    assert "no runbook" in check.runbooks()[0]
    given(monkeypatch, alert(runbook_url="docs/runbooks/dead-letters.md#none"))
    assert "no section" in check.runbooks()[0]
    given(monkeypatch, alert(runbook_url="docs/runbooks/media-queue.md#late"))
    assert "does not name it" in check.runbooks()[0]


def test_a_dashboard_that_is_none_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, alert(dashboard="heliograph-none"))
    assert check.annotations() == ["HeliographDeadLetters names a dashboard that is none"]


def test_an_alert_without_tests_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, {**alert(), "alert": "HeliographNew"})
    assert {"HeliographNew fires in no test", "HeliographNew stays quiet in no test"} < set(check.tests())


def test_a_metric_that_nobody_shows_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    given(monkeypatch, {**alert(), "expr": "rate(heliograph_none_total[5m]) > heliograph:none:rate5m"})
    found = check.metrics()
    assert any("no process shows heliograph_none_total" in line for line in found)
    assert any("no rule records heliograph:none:rate5m" in line for line in found)


def test_histograms_count_with_what_they_add() -> None:
    assert {"heliograph_http_seconds_bucket", "heliograph_http_seconds_count"} < names.in_code()
    assert "heliograph_http_seconds" in names.families()


def test_headings_become_anchors_as_viewers_make_them() -> None:
    assert check.anchors("# A view lags\n\n## More workers\ntext\n## `a` (b): c\n") == {
        "a-view-lags",
        "more-workers",
        "a-b-c",
    }


def test_a_copy_that_nothing_makes_is_stale(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "CHART", tmp_path)
    files.write()
    assert files.stale() == []
    (tmp_path / "dashboards" / "old.json").write_text("{}")
    assert [path.name for path in files.stale()] == ["old.json"]
