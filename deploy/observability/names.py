"""Names of metrics: those that the code has, and those that an expression asks for."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCES = ("libs/kit/src", "services", "gateway/src")
METRICS_PAGE = ROOT / "docs" / "metrics.md"
_KINDS = {"Counter": (), "Gauge": (), "Histogram": ("_bucket", "_sum", "_count")}
_OURS = re.compile(r"\bheliograph_[a-z0-9_]+")
_RECORDED = re.compile(r"\bheliograph:[a-z0-9_:]+")


def in_code() -> set[str]:
    """Every series' name that a process can show."""
    return {name for source in SOURCES for path in (ROOT / source).rglob("*.py") for name in _of_file(path)}


def families() -> set[str]:
    """The same without what a histogram adds."""
    return {name for name in in_code() if not name.endswith(("_bucket", "_sum", "_count"))}


def asked_for(expression: str) -> set[str]:
    """Ours, of an expression; labels' names never begin with ours."""
    return set(_OURS.findall(expression))


def recorded(text: str) -> set[str]:
    return set(_RECORDED.findall(text))


def _of_file(path: Path) -> Iterator[str]:
    text = path.read_text()
    if "/tests/" in str(path) or "prometheus_client" not in text:
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in _KINDS and node.args:
            name = node.args[0]
            if isinstance(name, ast.Constant) and isinstance(name.value, str):
                yield name.value
                yield from (name.value + ending for ending in _KINDS[node.func.id])
