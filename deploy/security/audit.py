"""Whether a locked package has a known vulnerability.

Asked of PyPI, else of OSV, by pip-audit; or of a copy of the Python packaging advisories (a folder of OSV records) that
HELIOGRAPH_ADVISORIES names, where neither is reachable. A package index that only hands out packages answers PyPI's
question for no package at all: then nothing was checked, and that is said.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from deploy.security import advisories, locks
from deploy.security.report import Report

SECONDS = 100.0
SERVICES = ("pypi", "osv")
_AWAY = re.compile(r"Connection|Timeout|ServiceError|HTTPError|resolve", re.IGNORECASE)


@dataclass(frozen=True)
class Found:
    package: str
    version: str
    id: str
    aliases: frozenset[str]
    fixed: Sequence[str] = ()

    def __str__(self) -> str:
        more = f", fixed in {', '.join(self.fixed)}" if self.fixed else ", no fix is known"
        return f"{self.package} {self.version}: {self.id}{more}"


class Unreachable(Exception):
    """The service cannot be asked, or knows no package at all."""


def check(root: Path, today: date) -> Report:
    required = bool(os.environ.get("HELIOGRAPH_AUDIT_REQUIRED"))
    packages = every_package(root)
    try:
        found, told = _ask(packages)
    except Unreachable as why:
        skipped = f"no vulnerability was looked for: {why}"
        return Report("audit", [skipped] if required else [], skipped="" if required else skipped)
    faults, notes = judge(found, accepted(root / "deploy/security/accepted.txt", today))
    return Report("audit", faults, [f"{len(packages)} packages, asked of {told}", *notes])


def every_package(root: Path) -> list[locks.Locked]:
    """Of all locks, each version once."""
    every = {
        (one.name, one.version): one for path in (root / "requirements").glob("*.lock") for one in locks.read(path)
    }
    return [every[key] for key in sorted(every)]


def _ask(packages: Sequence[locks.Locked]) -> tuple[list[Found], str]:
    if folder := os.environ.get("HELIOGRAPH_ADVISORIES"):
        records = advisories.read(Path(folder))
        return [Found(*hit) for hit in advisories.matching(records, packages)], f"{len(records)} records of {folder}"
    whys: list[str] = []
    for service in SERVICES:
        try:
            return parse([_pip_audit(service, batch) for batch in apart(packages)]), service
        except Unreachable as why:
            whys.append(f"{service}: {why}")
    raise Unreachable("; ".join(whys))


def apart(packages: Iterable[locks.Locked]) -> list[list[locks.Locked]]:
    """Such that no batch has two versions of a package: locks have them where one depends on Python's."""
    batches: list[dict[str, locks.Locked]] = []
    for one in packages:
        free = next((batch for batch in batches if one.name not in batch), None)
        if free is None:
            batches.append(free := {})
        free[one.name] = one
    return [list(batch.values()) for batch in batches]


def _pip_audit(service: str, packages: Iterable[locks.Locked]) -> str:
    with tempfile.NamedTemporaryFile("w", suffix=".txt") as file:
        file.write("".join(f"{one.name}=={one.version}\n" for one in packages))
        file.flush()
        command = [sys.executable, "-m", "pip_audit", "--vulnerability-service", service, "--no-deps", "--disable-pip",
                   "--format", "json", "--progress-spinner", "off", "--timeout", "10", "-r", file.name]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)  # noqa: S603 our own arguments
        except subprocess.TimeoutExpired as error:
            raise Unreachable(f"no answer within {SECONDS:.0f} s") from error
    if done.stdout.strip():
        return done.stdout
    last = (done.stderr.strip().splitlines() or ["no answer"])[-1]
    if not _AWAY.search(last):
        raise RuntimeError(f"pip-audit ends with {done.returncode}: {last}")
    raise Unreachable("no connection")


def parse(reports: Iterable[str]) -> list[Found]:
    """pip-audit's reports. Raises Unreachable when the service knew none of the packages."""
    packages: list[dict[str, Any]] = [one for report in reports for one in json.loads(report)["dependencies"]]
    unknown = [one["name"] for one in packages if "skip_reason" in one]
    if len(unknown) == len(packages):
        raise Unreachable("it knows none of the packages, as an index without that service does")
    hits = [Found(name, "", "not known to the service, so it was not checked", frozenset()) for name in unknown]
    for one in packages:
        hits += [_found(one["name"], one["version"], it) for it in one.get("vulns", ())]
    return hits


def _found(name: str, version: str, told: Mapping[str, Any]) -> Found:
    return Found(name, version, told["id"], frozenset(told["aliases"]), told["fix_versions"])


def accepted(path: Path, today: date) -> dict[str, str]:
    """Lines of `ID YYYY-MM-DD reason`: what is known and waited for, until that day at most."""
    lines = (line.split(maxsplit=2) for line in path.read_text().splitlines() if line.strip() and line[0] != "#")
    parts = (line for line in lines if len(line) == 3)
    return {name: reason for name, until, reason in parts if date.fromisoformat(until) >= today}


def judge(found: Iterable[Found], known: Mapping[str, str]) -> tuple[list[str], list[str]]:
    """Faults, and notes about what is accepted."""
    faults: list[str] = []
    notes: list[str] = []
    for hit in found:
        name = next((name for name in sorted({hit.id, *hit.aliases}) if name in known), None)
        (notes.append(f"accepted: {hit} ({known[name]})") if name else faults.append(str(hit)))
    return faults, notes
