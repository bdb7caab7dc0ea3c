"""gitleaks over every commit, and over the tree as it would be committed. It tells where a secret is, not what."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

from deploy.security.report import Report


def check(root: Path) -> Report:
    folder = run([str(root / "deploy/tools/install"), "gitleaks"], root)
    program = str(Path(folder.strip().splitlines()[-1].split(":")[0]) / "gitleaks")
    config = root / "deploy/security/gitleaks.toml"
    with tempfile.TemporaryDirectory() as temporary:
        copy_tree(root, Path(temporary))
        faults = scan(program, "dir", Path(temporary), config)
    faults += scan(program, "git", root, config)
    commits = run(["git", "rev-list", "--count", "--all"], root).strip()
    notes = [f"{commits} commits and the tree"]
    if run(["git", "rev-parse", "--is-shallow-repository"], root).strip() == "true":
        notes.append("this clone is shallow: for the commits that it lacks, git fetch --unshallow")
    return Report("leaks", list(dict.fromkeys(faults)), notes)


def copy_tree(root: Path, to: Path) -> None:
    """What git knows or would add."""
    for name in run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], root).split("\0"):
        if name and (root / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(root / name, to / name)


def scan(program: str, kind: str, folder: Path, config: Path) -> list[str]:
    """`kind` is git (all commits of all branches) or dir."""
    with tempfile.NamedTemporaryFile(suffix=".json") as report:
        command = [program, kind, str(folder), "--config", str(config), "--no-banner", "--redact",
                   "--log-level", "error", "--exit-code", "0", "--report-format", "json",
                   "--report-path", report.name]  # fmt: skip
        run([*command, *(["--log-opts", "--all"] if kind == "git" else [])], folder)
        found: list[dict[str, Any]] = json.loads(Path(report.name).read_text() or "[]")
    return [_told(it, folder) for it in found]


def _told(found: dict[str, Any], folder: Path) -> str:
    file = found["File"].removeprefix(f"{folder}/")
    at = f" in commit {found['Commit'][:12]}" if found["Commit"] else ""
    return f"{file}:{found['StartLine']}: {found['RuleID']}{at}"


def run(command: list[str], folder: Path) -> str:
    """Raises CalledProcessError; what the command says of it is not kept back."""
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, text=True, check=True).stdout  # noqa: S603 our own arguments
