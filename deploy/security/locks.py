"""The locks of requirements/, read as pip reads them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_PIN = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)(\[[^]]*\])?==(?P<version>[^\s;\\]+)")
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})(?=\s|$)")


@dataclass(frozen=True)
class Locked:
    name: str
    version: str
    hashes: frozenset[str]


def normal(name: str) -> str:
    """A package's name as indexes compare it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def statements(path: Path) -> Iterator[str]:
    """Requirements with their options, each in one line."""
    joined = path.read_text().replace("\\\n", " ")
    for line in joined.splitlines():
        statement = line.partition(" #")[0].strip()
        if statement and not statement.startswith("#"):
            yield statement


def read(path: Path) -> list[Locked]:
    """Leaves out what is not pinned to one version: `faults` tells of that."""
    found = ((line, _PIN.match(line)) for line in statements(path))
    return [Locked(normal(pin["name"]), pin["version"], frozenset(_HASH.findall(line))) for line, pin in found if pin]


def faults(path: Path) -> list[str]:
    """What could be another package tomorrow, or comes from elsewhere than the index that the machine is set to."""
    told: list[str] = []
    for line in statements(path):
        what = line.split()[0]
        if "://" in line or line.startswith("-"):
            told.append(f"{path.name}: {what}: an address or an option, not a package of the index")
        elif not _PIN.match(line):
            told.append(f"{path.name}: {what}: not pinned to one version")
        elif not _HASH.search(line):
            told.append(f"{path.name}: {what}: without a SHA-256")
    return told
