"""bandit over what ships and what runs for developers. A finding stands unless its place says why it may.

ruff knows most of bandit's rules by the same numbers, so one mark serves both: `# noqa: S608 why`, on a line of the
finding or for a file (`# ruff: noqa: S608 why`); where ruff has no such finding, `# nosec B608 why`. A mark without a
reason excuses nothing, nor does one without a rule. What pyproject.toml lets ruff pass over in a folder holds here too.
"""

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from deploy.security.report import Report

_GENERATED = re.compile(r"_pb2(_grpc)?\.py$")


@dataclass(frozen=True)
class Finding:
    file: str
    rule: str
    text: str
    lines: Sequence[int]

    def __str__(self) -> str:
        return f"{self.file}:{self.lines[0]}: {self.rule} {self.text}"


def check(root: Path) -> Report:
    files = sources(root)
    findings = parse(_bandit(root, files))
    folders = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]["per-file-ignores"]
    judged = [finding for finding in findings if not passed_over(finding, folders)]
    open_ = [finding for finding in judged if not excused(finding, (root / finding.file).read_text().splitlines())]
    notes = [f"{len(files)} files, {len(findings) - len(open_)} findings excused with a reason"]
    return Report("code", [str(finding) for finding in open_], notes)


def sources(root: Path) -> list[str]:
    """Python that git knows or would add, without tests and what is generated."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.py"]
    told = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout  # noqa: S603 our own arguments
    return [name for name in sorted(set(told.splitlines())) if _ships(name) and (root / name).is_file()]


def _ships(name: str) -> bool:
    return "tests" not in Path(name).parts and not _GENERATED.search(name)


def _bandit(root: Path, files: Iterable[str]) -> str:
    """bandit's own marks are ignored, as it takes one without a reason."""
    command = [sys.executable, "-m", "bandit", "-q", "--ignore-nosec", "-c", "pyproject.toml", "-f", "json", *files]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)  # noqa: S603 our own arguments
    if done.returncode not in (0, 1):
        raise RuntimeError(f"bandit ends with {done.returncode}: {done.stderr[-500:]}")
    return done.stdout


def parse(told: str) -> list[Finding]:
    """Raises ValueError when bandit could not read a file."""
    report = json.loads(told)
    if report["errors"]:
        raise ValueError(f"bandit cannot read {report['errors']}")
    return [
        Finding(it["filename"].removeprefix("./"), it["test_id"], it["issue_text"], it["line_range"])
        for it in report["results"]
    ]


def passed_over(finding: Finding, folders: Mapping[str, Sequence[str]]) -> bool:
    return any(f"S{finding.rule[1:]}" in rules and fnmatch(finding.file, folder) for folder, rules in folders.items())


def excused(finding: Finding, source: Sequence[str]) -> bool:
    codes = rf"(?:[A-Z]+\d+,\s*)*(?:S{finding.rule[1:]}|{finding.rule})(?:,\s*[A-Z]+\d+)*"
    mark = re.compile(rf"#\s*(?:noqa:|nosec)\s*{codes}\s+\S+")
    whole = re.compile(rf"^# ruff: noqa: {codes}\s+\S+")
    span = source[finding.lines[0] - 1 : finding.lines[-1]]
    return any(mark.search(line) for line in span) or any(whole.search(line) for line in source)
