"""Puts together what an image holds beside its packages, inside its build. Standard library alone.

    assemble.py app SOURCES SERVICE APP   the service's own code and the members of the workspace that it names
    assemble.py system ROOT               the user that everything runs as, and the folders that volumes lie over

The same inputs give the same bytes, as in packages.py.
"""

import re
import shutil
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

from deploy.images.packages import compile_all, settle

USER, UID = "heliograph", 10001
# Member of the workspace: its folder, its package in that, and where the package goes in the image.
MEMBERS = {
    "heliograph-kit": ("libs/kit", "src/kit", "libs/kit"),
    "heliograph-rendering": ("libs/rendering", "src/rendering", "libs/rendering"),
    "heliograph-protos": ("protos", "heliograph", "protos/heliograph"),
}
# Beside Python: what devstack provisions stores from. It finds it at this place.
MORE = {"devstack": ("deploy/topics.yaml",)}
# For tests and type checkers, and what stubs were made from.
LEFT_OUT = ("__pycache__", "*.pyi", "*.proto", "py.typed", "testing")


def app(sources: Path, service: str, target: Path) -> None:
    member = member_of(sources, service)
    copy(member / "src", target / "member/src")
    if (member / "migrations").is_dir():
        copy(member / "migrations", target / "member/migrations")
    describe(member, target / "member/src")
    for name in sorted(closure(sources, member)):
        folder, package, place = MEMBERS[name]
        copy(sources / folder / package, target / place)
        describe(sources / folder, target / "libs")
    for name in MORE.get(service, ()):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sources / name, target / name)
    compile_all(target)
    settle(target)


def describe(project: Path, place: Path) -> None:
    """So that a process can ask for the version of what it runs, as of any package."""
    name, version = identity(project)
    folder = place / f"{name.replace('-', '_')}-{version}.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")


def identity(project: Path) -> tuple[str, str]:
    """Its name and version."""
    told = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    return told["name"], told["version"]


def member_of(sources: Path, service: str) -> Path:
    """Raises SystemExit when there is no such service."""
    for folder in (sources / "services" / service, sources / service):
        if service and (folder / "pyproject.toml").is_file():
            return folder
    raise SystemExit(f"no such service: {service!r}; SERVICE is a folder of services/, gateway, helio or devstack")


def closure(sources: Path, member: Path) -> set[str]:
    """Members of the workspace that this one needs, also by way of others."""
    found: set[str] = set()
    waiting = [member]
    while waiting:
        new = _named(waiting.pop()) - found
        found |= new
        waiting += [sources / MEMBERS[name][0] for name in new]
    return found


def _named(member: Path) -> set[str]:
    written = tomllib.loads((member / "pyproject.toml").read_text())["project"]["dependencies"]
    return {re.split(r"[^\w-]", line, maxsplit=1)[0] for line in written} & MEMBERS.keys()


def copy(source: Path, target: Path) -> None:
    shutil.copytree(source, target, ignore=shutil.ignore_patterns(*LEFT_OUT))


def system(root: Path) -> None:
    """A user file with our user in it, and folders that are its."""
    for name, line in (("passwd", f"{USER}:x:{UID}:{UID}::/tmp:/usr/sbin/nologin"), ("group", f"{USER}:x:{UID}:")):
        (root / "etc").mkdir(parents=True, exist_ok=True)
        (root / "etc" / name).write_text(Path("/etc", name).read_text().rstrip("\n") + f"\n{line}\n")
    for name in ("secrets", "token-keys", "tls"):
        (root / "run/heliograph" / name).mkdir(parents=True)
    settle(root)


COMMANDS: dict[str, tuple[int, Callable[[list[str]], None]]] = {
    "app": (3, lambda given: app(Path(given[0]), given[1], Path(given[2]))),
    "system": (1, lambda given: system(Path(given[0]))),
}


def main() -> None:
    count, command = COMMANDS.get(sys.argv[1] if sys.argv[1:] else "", (-1, None))
    if command is None or len(sys.argv) != count + 2:
        sys.exit(__doc__)
    command(sys.argv[2:])


if __name__ == "__main__":
    main()
