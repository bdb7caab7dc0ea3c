"""The tables of values in the charts' READMEs, written by helm-docs from values.yaml and its comments."""

import shutil
from pathlib import Path

from deploy.k8s.check.charts import names
from deploy.k8s.check.shell import K8S, Fault, run

README = "README.md"
TEMPLATE = "chart.md.gotmpl"


def compare(folder: Path) -> str:
    """Raises Fault with the charts whose README is not what helm-docs writes now."""
    written = _write(folder)
    stale = [name for name, text in written.items() if _kept(name) != text]
    if stale:
        raise Fault(f"README.md is not of today: {', '.join(stale)}: make charts-golden")
    return f"{len(written)} READMEs"


def renew(folder: Path) -> None:
    for name, text in _write(folder).items():
        (K8S / name / README).write_text(text)


def _write(folder: Path) -> dict[str, str]:
    shutil.copy(K8S / TEMPLATE, folder)
    run(["helm-docs", "--chart-search-root", folder, "--template-files", f"./{TEMPLATE}", "--log-level", "warning"])
    return {name: _clean((folder / name / README).read_text()) for name in names() if (folder / name / README).exists()}


def _clean(text: str) -> str:
    return "\n".join(line.rstrip() for line in text.splitlines()).rstrip("\n") + "\n"


def _kept(name: str) -> str:
    file = K8S / name / README
    return file.read_text() if file.exists() else ""
