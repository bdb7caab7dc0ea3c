"""Puts together what an image holds, inside its build (deploy/Dockerfile). Standard library alone.

    assemble.py packages LOCK VENV        the packages of a lock, by hash, in a virtual environment of the base's Python
    assemble.py app SOURCES SERVICE APP   the service's own code and the members of the workspace that it names
    assemble.py system ROOT               the user that everything runs as, and the folders that volumes lie over

The same inputs give the same bytes: modules are compiled with unchecked hashes instead of times, and no file has a time
of its own.
"""

import compileall
import os
import py_compile
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

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
# botocore describes every service of its cloud, 28 MB; we speak S3, and STS gives out credentials for it.
BOTOCORE_KEPT = {"s3", "sts"}
NOT_RUN = (".pyi", ".pyx", ".pxd", ".c", ".h")
# Until a process has set itself up (a second or two) this answers SIGTERM, which the kernel keeps from a process 1 that
# has no handler.
EARLY_END = """\
import os
import signal

if os.getpid() == 1:
    signal.signal(signal.SIGTERM, lambda *_: os._exit(143))
"""


def packages(lock: Path, venv: Path) -> None:
    tools = Path("/build/tools")
    subprocess.run([sys.executable, "-m", "venv", str(tools)], check=True)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(venv)], check=True)
    pip = [str(tools / "bin/pip"), "--disable-pip-version-check", "--python", str(venv / "bin/python")]
    wanted = ["--no-deps", "--require-hashes", "--only-binary=:all:", "--no-compile", "--requirement", str(lock)]
    subprocess.run([*pip, "install", "--quiet", *wanted], check=True)
    (site,) = venv.glob("lib/python3.*/site-packages")
    trim(venv, site)
    (site / "early_end.py").write_text(EARLY_END)
    (site / "early_end.pth").write_text("import early_end\n")
    compile_all(site)
    settle(venv)


def trim(venv: Path, site: Path) -> None:
    """Takes away what no process of ours reads: other programs, other services' descriptions, sources of extensions."""
    for program in (venv / "bin").iterdir():
        if not program.name.startswith("python"):
            program.unlink()
    shutil.rmtree(venv / "include", ignore_errors=True)
    for described in (path for path in site.glob("botocore/data/*") if path.is_dir()):
        if described.name not in BOTOCORE_KEPT:
            shutil.rmtree(described)
    for path in [path for path in site.rglob("*") if path.suffix in NOT_RUN and path.is_file()]:
        path.unlink()


def app(sources: Path, service: str, target: Path) -> None:
    member = member_of(sources, service)
    copy(member / "src", target / "member/src")
    if (member / "migrations").is_dir():
        copy(member / "migrations", target / "member/migrations")
    for name in sorted(closure(sources, member)):
        folder, package, place = MEMBERS[name]
        copy(sources / folder / package, target / place)
    for name in MORE.get(service, ()):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(sources / name, target / name)
    compile_all(target)
    settle(target)


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


def compile_all(folder: Path) -> None:
    done = compileall.compile_dir(folder, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    if not done:
        raise SystemExit(f"{folder}: a module does not compile")


def system(root: Path) -> None:
    """A user file with our user in it, and folders that are its."""
    for name, line in (("passwd", f"{USER}:x:{UID}:{UID}::/tmp:/usr/sbin/nologin"), ("group", f"{USER}:x:{UID}:")):
        (root / "etc").mkdir(parents=True, exist_ok=True)
        (root / "etc" / name).write_text(Path("/etc", name).read_text().rstrip("\n") + f"\n{line}\n")
    for name in ("secrets", "token-keys", "tls"):
        (root / "run/heliograph" / name).mkdir(parents=True)
    settle(root)


def settle(folder: Path) -> None:
    """One time and plain modes for everything: everybody may read, and nobody but root may write."""
    for path in _below(folder):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
        os.utime(path, (0, 0), follow_symlinks=False)


def _below(folder: Path) -> Iterator[Path]:
    """Everything in a folder and itself, what is deeper first, so that no time changes afterwards."""
    for above, folders, files in os.walk(folder, topdown=False):
        yield from (Path(above, name) for name in sorted([*folders, *files]))
    yield folder


COMMANDS: dict[str, tuple[int, Callable[[list[str]], None]]] = {
    "packages": (2, lambda given: packages(Path(given[0]), Path(given[1]))),
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
