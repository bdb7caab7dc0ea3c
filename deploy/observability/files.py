"""What is generated, and where it lies: rules, their tests, dashboards, and the copies that the chart packs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from deploy.observability import boards
from deploy.observability.rules import burn, trials

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
CHART = ROOT / "deploy" / "k8s" / "heliograph" / "files"
PACKED = ("alerts", "dashboards")
_HEAD = "# Written by `make dashboards` from deploy/observability/rules: edit that.\n"


def wanted() -> dict[Path, str]:
    """Every generated file with its text."""
    files = {
        HERE / "alerts" / "recording.yaml": _yaml(burn.recording()),
        HERE / "alerts" / "objectives.yaml": _yaml(burn.alerts()),
        HERE / "tests" / "objectives.yaml": _yaml(trials.trials()),
    }
    files |= {
        HERE / "dashboards" / f"{board.name}.json": json.dumps(board.json(), indent=1, ensure_ascii=False) + "\n"
        for board in boards.every()
    }
    return files | _copies(files)


def _copies(files: Mapping[Path, str]) -> dict[Path, str]:
    """A chart can read only what lies within it."""
    written = {path: path.read_text() for path in (HERE / "alerts").glob("*.yaml")} | dict(files)
    return {CHART / path.parent.name / path.name: text for path, text in written.items() if path.parent.name in PACKED}


def stale() -> list[Path]:
    """Files that are missing, differ, or that nothing makes any more."""
    files = wanted()
    folders = {path.parent for path in files} - {HERE / "alerts", HERE / "tests"}
    orphans = [path for folder in folders for path in folder.glob("*.*") if path not in files]
    return sorted([path for path, text in files.items() if not path.exists() or path.read_text() != text] + orphans)


def write() -> list[Path]:
    """Makes all as wanted; returns what changed."""
    changed, files = stale(), wanted()
    for path in changed:
        if path in files:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(files[path])
        else:
            path.unlink()
    return changed


def _yaml(content: Mapping[str, Any]) -> str:
    return _HEAD + yaml.safe_dump(dict(content), sort_keys=False, width=116, allow_unicode=True)
