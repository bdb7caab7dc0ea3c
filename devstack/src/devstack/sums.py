"""The SHA-256 of every file that Maven brings, as it was when a version was taken up: `checksums/NAME-VERSION`.

Maven compares files with sums that lie beside them; these do not come from there.
`python -m devstack servers sums` writes them down anew, of what Maven brings now.
"""

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path

from devstack.faults import StackError

FOLDER = Path(__file__).parent / "checksums"
# Versions that Maven would look up when it is asked: ranges, the latest, what is still being made.
FLOATING = re.compile(r"[\[\](),]|LATEST|RELEASE|SNAPSHOT|^$")


def written(program: str, folder: Path = FOLDER) -> dict[str, str]:
    """Name of a file to its sum; empty where nothing was written down."""
    path = folder / program
    if not path.is_file():
        return {}
    lines = (line.split() for line in path.read_text().splitlines() if not line.startswith("#"))
    return {name: sha256 for sha256, name in lines}


def of(folder: Path) -> dict[str, str]:
    """Sums of the files that lie in a folder."""
    return {path.name: _sum(path) for path in sorted(folder.iterdir()) if path.is_file()}


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(program: str, found: Mapping[str, str], known: Mapping[str, str]) -> None:
    """Raises StackError for a file that is not known, or is another one than it was."""
    for name, sha256 in found.items():
        if name not in known:
            raise StackError(f"{program}: Maven brought {name}, of which no sum is written down")
        if known[name] != sha256:
            raise StackError(f"{program}: {name} is not the file that was written down: its SHA-256 is {sha256}")
    if not found:
        raise StackError(f"{program}: Maven brought nothing")


def write(program: str, found: Mapping[str, str], folder: Path = FOLDER) -> None:
    """Keeps what is known of other machines' files."""
    folder.mkdir(exist_ok=True)
    every = written(program, folder) | dict(found)
    (folder / program).write_text("".join(f"{every[name]}  {name}\n" for name in sorted(every)))
