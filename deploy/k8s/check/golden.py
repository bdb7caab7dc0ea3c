"""Golden files: what the examples render to, so that a change of a template shows in its review."""

import difflib
import re
from pathlib import Path

from deploy.k8s.check.charts import EXAMPLES
from deploy.k8s.check.shell import K8S, Fault

GOLDEN = K8S / "golden"
_SHOWN = 60
_SECRET = re.compile(r"^(kind: Secret)$", re.MULTILINE)
_LONG = re.compile(
    r"^kind: PrometheusRule$.*?^spec:\n|^kind: ConfigMap$(?=.*dashboard).*?^data:\n", re.MULTILINE | re.DOTALL
)
_VALUE = re.compile(r"^(  [\w.-]+:) .+$")


def steady(rendered: str) -> str:
    """Without the values of Secrets, and without dashboards and alerts, which are looked at where they are written."""
    parts = re.split(r"^(---\n)", rendered, flags=re.MULTILINE)
    return "".join(_short(_hidden(part) if _SECRET.search(part) else part) for part in parts)


def compare(rendered: dict[str, str]) -> None:
    """Raises Fault with the differences of every golden file that is not what its example renders to."""
    differences = [line for name, text in rendered.items() for line in _difference(GOLDEN / f"{name}.yaml", text)]
    stray = sorted(
        path.name for path in GOLDEN.glob("*.yaml") if path.stem not in {each.name for each in EXAMPLES if each.golden}
    )
    differences += [f"golden/{name} is of no example" for name in stray]
    if differences:
        more = len(differences) - _SHOWN
        shown = differences[:_SHOWN] + ([f"... and {more} lines more"] if more > 0 else [])
        raise Fault("\n".join([*shown, "when this is as it should be: make charts-golden"]))


def renew(rendered: dict[str, str]) -> None:
    GOLDEN.mkdir(exist_ok=True)
    for name, text in rendered.items():
        (GOLDEN / f"{name}.yaml").write_text(steady(text))


def _difference(file: Path, rendered: str) -> list[str]:
    kept = file.read_text() if file.exists() else ""
    where = f"golden/{file.name}"
    return list(
        difflib.unified_diff(kept.splitlines(), steady(rendered).splitlines(), where, "rendered now", lineterm="", n=1)
    )


def _short(document: str) -> str:
    found = _LONG.search(document)
    return f"{document[: found.end()]}  # ... (from files/)\n" if found else document


def _hidden(document: str) -> str:
    lines, inside = document.splitlines(keepends=True), False
    for number, line in enumerate(lines):
        if not line.startswith(" "):
            inside = line.startswith(("data:", "stringData:"))
        elif inside and (found := _VALUE.match(line)):
            lines[number] = f"{found[1]} (random)\n"
    return "".join(lines)
