"""What must hold of rules, dashboards, tests and runbooks together, beside what promtool checks of each."""

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import yaml

from deploy.observability import boards, files, names
from deploy.observability.files import HERE, ROOT

_SEVERITIES = {"critical", "warning"}
_ALERT = re.compile(r'alertname="(\w+)"')


def rule_files() -> list[Path]:
    return sorted((HERE / "alerts").glob("*.yaml"))


def rules() -> Iterator[dict[str, Any]]:
    for path in rule_files():
        for group in yaml.safe_load(path.read_text())["groups"]:
            yield from group["rules"]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rules() if "alert" in rule]


def faults(*, promtool: bool = True) -> Iterator[tuple[str, list[str]]]:
    """The name of each check and what it found, as it is done."""
    checks: Mapping[str, Callable[[], list[str]]] = {
        "drift": lambda: [f"{path.relative_to(ROOT)} is not what `make dashboards` writes" for path in files.stale()],
        "annotations": annotations,
        "runbooks": runbooks,
        "tests": tests,
        "metrics": metrics,
    }
    tools: Mapping[str, Callable[[], list[str]]] = {
        "promtool check rules": lambda: _promtool("check", "rules", *map(str, rule_files())),
        "promtool test rules": lambda: _promtool("test", "rules", *map(str, sorted((HERE / "tests").glob("*.yaml")))),
    }
    for name, check in {**checks, **(tools if promtool else {})}.items():
        yield name, check()


def annotations() -> list[str]:
    """Whoever is woken must read what it is, and where to go on."""
    found: list[str] = []
    for alert in alerts():
        missing = {"summary", "description", "runbook_url", "dashboard"} - alert["annotations"].keys()
        found += [f"{alert['alert']} has no {name}" for name in sorted(missing)]
        if alert["labels"].get("severity") not in _SEVERITIES or "area" not in alert["labels"]:
            found.append(f"{alert['alert']} needs a severity of {', '.join(sorted(_SEVERITIES))}, and an area")
        known = {f"heliograph-{board.name}" for board in boards.every()}
        if alert["annotations"].get("dashboard") not in known:
            found.append(f"{alert['alert']} names a dashboard that is none")
    return found


def runbooks() -> list[str]:
    found: list[str] = []
    for alert in alerts():
        place, _, section = alert["annotations"].get("runbook_url", "").partition("#")
        path = ROOT / place
        if not place.startswith("docs/runbooks/") or not path.is_file():
            found.append(f"{alert['alert']}: there is no runbook {place}")
        elif section not in anchors(path.read_text()):
            found.append(f"{alert['alert']}: {place} has no section #{section}")
        elif alert["alert"].removesuffix("Slowly") not in path.read_text():
            found.append(f"{alert['alert']}: {place} does not name it")
    return found


def anchors(text: str) -> set[str]:
    """Of a page's headings, as the usual viewers of Markdown make them."""
    headings = re.findall(r"^#+ +(.+?)\s*$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def tests() -> list[str]:
    """Each alert fires in one test and stays quiet in another."""
    fires: set[str] = set()
    quiet: set[str] = set()
    for path in (HERE / "tests").glob("*.yaml"):
        for test in yaml.safe_load(path.read_text())["tests"]:
            for check in test["promql_expr_test"]:
                (fires if check["exp_samples"] else quiet).update(_ALERT.findall(check["expr"]))
    known = {alert["alert"] for alert in alerts()}
    found = [f"{name} fires in no test" for name in sorted(known - fires)]
    found += [f"{name} stays quiet in no test" for name in sorted(known - quiet)]
    return found + [f"a test speaks of {name}, which is no alert" for name in sorted((fires | quiet) - known)]


def metrics() -> list[str]:
    """What rules and dashboards ask for is what processes show, and is documented."""
    exists, recorded = names.in_code(), {rule["record"] for rule in rules() if "record" in rule}
    asked = dict(_expressions())
    found: list[str] = []
    for place, expression in asked.items():
        found += [f"{place}: no process shows {name}" for name in sorted(names.asked_for(expression) - exists)]
        found += [f"{place}: no rule records {name}" for name in sorted(names.recorded(expression) - recorded)]
    if names.METRICS_PAGE.exists():
        page = names.METRICS_PAGE.read_text()
        found += [f"docs/metrics.md does not name {name}" for name in sorted(names.families()) if name not in page]
    return found


def _expressions() -> Iterator[tuple[str, str]]:
    for number, rule in enumerate(rules()):
        yield f"rule {rule.get('alert') or rule['record']} ({number})", rule["expr"]
    for board in boards.every():
        for panel in board.panels():
            for number, query in enumerate(panel.queries):
                yield f"dashboard {board.name}, {panel.title} ({number})", query.expr
        for variable in board.variables:
            yield f"dashboard {board.name}, choice {variable.name}", variable.metric


def tool(name: str, program: str = "") -> Path:
    """A program of deploy/tools, built when it is not there yet. HELIOGRAPH_TOOL_<PROGRAM> names another."""
    program = program or name
    if told := os.environ.get(f"HELIOGRAPH_TOOL_{program.upper().replace('-', '_')}"):
        return Path(told)
    install = [str(ROOT / "deploy" / "tools" / "install"), name]
    folder = subprocess.run(install, check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    return Path(folder) / program


def _promtool(*arguments: str) -> list[str]:
    done = subprocess.run(
        [str(tool("prometheus", "promtool")), *arguments], capture_output=True, text=True, check=False
    )
    return [] if done.returncode == 0 else [(done.stdout + done.stderr).strip()]
