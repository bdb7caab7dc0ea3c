"""Whether everything that is fetched is pinned: packages, images, tools, servers."""

import re
from collections.abc import Iterator, Mapping
from itertools import chain
from pathlib import Path

from devstack.artifacts import Program, programs
from devstack.sums import FLOATING, written

from deploy.security import images, locks
from deploy.security.report import Report

_OURS = "heliograph/tools/"
_VERSION = re.compile(r"^v\d+\.\d+\.\d+$")


def check(root: Path) -> Report:
    excused = excuses(root / "deploy/security/excused.txt")
    uses = list(named_images(root))
    found = chain(
        chain.from_iterable(locks.faults(path) for path in sorted((root / "requirements").glob("*.lock"))),
        (fault for use in uses if (fault := images.fault(use, excused))),
        (f"excused.txt: {image}: nothing names it" for image in excused if image not in {use.image for use in uses}),
        tool_faults(root / "deploy/tools"),
        chain.from_iterable(server_faults(program, written(program.folder)) for program in programs()),
    )
    notes = [f"no digest: {image} ({reason})" for image, reason in excused.items()]
    return Report("pins", list(found), notes)


def excuses(path: Path) -> dict[str, str]:
    """Lines of `image reason`; a line without a reason excuses nothing."""
    lines = (line.strip().partition(" ") for line in path.read_text().splitlines() if not line.startswith("#"))
    return {image: reason.strip() for image, _, reason in lines if image and reason.strip()}


def named_images(root: Path) -> Iterator[images.Use]:
    """Templates of charts are no YAML before they are rendered: their images come from values."""
    for path in sorted(root.glob("deploy/**/*")):
        name = str(path.relative_to(root))
        if path.name.endswith("Dockerfile"):
            yield from images.of_dockerfile(path, name)
        elif _of_images(path):
            yield from images.of_yaml(path, name)


def _of_images(path: Path) -> bool:
    if "templates" in path.parts or "tests" in path.parts or path.suffix not in {".yaml", ".yml"}:
        return False
    return path.name.startswith(("compose", "values")) or "golden" in path.parts


def tool_faults(folder: Path) -> Iterator[str]:
    """A Go tool is pinned by its version and by the sums of everything that it is built of."""
    for line in (folder / "versions").read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        name, version, *packages = line.split()
        if version == "debian":  # signed by the distribution, of the version that it has
            continue
        if not (_VERSION.match(version) or packages[0].startswith(_OURS)):
            yield f"tools: {name}: {version} is no exact version"
        yield from _module_faults(folder / "modules" / name, version, packages)


def _module_faults(module: Path, version: str, packages: list[str]) -> Iterator[str]:
    """A program that we put together ourselves has a version of its own, and sums of what it requires, if anything."""
    told = (module / "go.mod").read_text() if (module / "go.mod").is_file() else ""
    ours = packages[0].startswith(_OURS)
    if not told or not ((module / "go.sum").is_file() or (ours and "require" not in told)):
        yield f"tools: {module.name}: without go.mod and go.sum"
        return
    if ours:
        return
    required = [line.split() for line in told.replace("require ", "").splitlines()]
    pinned = [words[1] for words in required if len(words) > 1 and f"{packages[0]}/".startswith(f"{words[0]}/")]
    if version not in pinned:
        yield f"tools: {module.name}: go.mod has another version than {version}"


def server_faults(program: Program, known: Mapping[str, str]) -> Iterator[str]:
    """What Maven brings has versions, and each file the SHA-256 that was written down."""
    for artifact in program.artifacts:
        told = f"{artifact.name}-{artifact.version}"
        if FLOATING.search(artifact.version):
            yield f"servers: {artifact.name}: {artifact.version} is no exact version"
        elif not any(name.startswith(told) for name in known):
            yield f"servers: {told}: no sum is written down"
