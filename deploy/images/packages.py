"""The packages of a lock, by hash, in a virtual environment of the base's Python: `packages.py LOCK VENV`.

Runs inside the build of an image, before its sources are there, so that a change of those leaves the packages alone.
Standard library alone. The same lock gives the same bytes: modules are compiled with unchecked hashes instead of times,
and no file has a time of its own.
"""

import compileall
import os
import py_compile
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

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


def compile_all(folder: Path) -> None:
    done = compileall.compile_dir(folder, quiet=1, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    if not done:
        raise SystemExit(f"{folder}: a module does not compile")


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


if __name__ == "__main__":
    packages(Path(sys.argv[1]), Path(sys.argv[2]))
