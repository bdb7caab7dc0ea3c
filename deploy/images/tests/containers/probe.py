"""Runs inside an image and prints what it finds there, as JSON. Standard library alone."""

import base64
import hashlib
import importlib
import importlib.metadata as metadata
import json
import os
import pkgutil
import platform
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

APP = Path("/opt/heliograph/app")
VENV = Path("/opt/heliograph/venv")


def rights() -> dict[str, Any]:
    status = dict(line.split(":\t", 1) for line in Path("/proc/self/status").read_text().splitlines() if ":\t" in line)
    writable = [str(path) for path in (Path("/"), APP, VENV, Path("/etc"), Path("/run/heliograph")) if writes(path)]
    return {
        "user": os.getuid(),
        "groups": [os.getgid(), *os.getgroups()],
        "capabilities": int(status["CapEff"], 16),
        "no_new_privileges": status["NoNewPrivs"].strip() == "1",
        "writable": writable,
        "tmp": writes(Path("/tmp")),
    }


def writes(folder: Path) -> bool:
    try:
        (folder / ".probe").write_text("")
        (folder / ".probe").unlink()
    except OSError:
        return False
    return True


def packages() -> dict[str, str]:
    return {found.metadata["Name"].lower().replace("_", "-"): found.version for found in metadata.distributions()}


def altered() -> list[str]:
    """Files of packages that are not what their package recorded. What was left out of the image is not looked at."""
    found: list[str] = []
    for package in metadata.distributions():
        for file in package.files or ():
            path = Path(str(file.locate()))
            if file.hash and path.is_file() and digest(path, file.hash.mode) != file.hash.value:
                found.append(str(path))
    return found


def digest(path: Path, mode: str) -> str:
    return base64.urlsafe_b64encode(hashlib.new(mode, path.read_bytes()).digest()).rstrip(b"=").decode()


def strays() -> list[str]:
    """Files among the packages that no package brought, compiled ones aside."""
    (site,) = VENV.glob("lib/python3.*/site-packages")
    known = {str(file.locate()) for package in metadata.distributions() for file in package.files or ()}
    known |= {str(path) for path in site.glob("*.dist-info/*")}
    there = (path for path in site.rglob("*") if path.is_file() and path.suffix != ".pyc")
    return sorted(str(path.relative_to(site)) for path in there if str(path) not in known)


def unimportable() -> dict[str, str]:
    """Modules of the service that do not load, and why."""
    found: dict[str, str] = {}
    tops = [path.name for path in (APP / "member/src").iterdir() if (path / "__init__.py").is_file()]
    for top in tops:
        for module in pkgutil.walk_packages([str(APP / "member/src" / top)], f"{top}."):
            try:
                importlib.import_module(module.name)
            except ImportError as error:
                found[module.name] = str(error)
    return found


def uncompiled() -> list[str]:
    return [
        str(path)
        for root in (APP, VENV)
        for path in root.rglob("*.py")
        if not list((path.parent / "__pycache__").glob(f"{path.stem}.cpython-*.pyc"))
    ]


def data() -> list[str]:
    files = (path for path in APP.rglob("*") if path.is_file() and path.suffix != ".pyc" and path.name != "METADATA")
    return sorted(str(path.relative_to(APP)) for path in files)


if __name__ == "__main__":
    found = {
        "rights": rights(),
        "packages": packages(),
        "altered": altered(),
        "strays": strays(),
        "unimportable": unimportable(),
        "uncompiled": uncompiled(),
        "data": data(),
        "python": platform.python_version(),
        "setuid": [str(path) for path in VENV.rglob("*") if path.stat().st_mode & 0o6000],
        "pip": find_spec("pip") is not None,
    }
    json.dump(found, sys.stdout)
