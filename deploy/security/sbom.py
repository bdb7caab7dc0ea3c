"""One bill of materials per image, in CycloneDX JSON: `python -m deploy.security.sbom` writes build/sbom/NAME.cdx.json.

It lists the Python packages of the image, from the lock that the image is made of, with their sums. What the base image
brings is not in it. The same lock gives the same bytes.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path
from typing import Any

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator

from deploy.security import locks
from deploy.security.report import Report

SPECIFICATION = "1.6"
OUT = Path("build/sbom")


def deployables(root: Path) -> dict[str, Path]:
    """Name of an image to the folder of its pyproject.toml."""
    services = {path.parent.name: path.parent for path in sorted(root.glob("services/*/pyproject.toml"))}
    return services | {name: root / name for name in ("gateway", "helio", "devstack")}


def check(root: Path) -> Report:
    (root / OUT).mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(2) as threads:
        images = deployables(root)
        told = list(threads.map(_made, repeat(root), images.keys(), images.values()))
    sizes = ", ".join(f"{name} {count}" for name, count, _ in told)
    return Report("sbom", [fault for *_, faults in told for fault in faults], [f"{OUT}: {sizes} components"])


def _made(root: Path, name: str, folder: Path) -> tuple[str, int, list[str]]:
    lock, out = root / "requirements" / f"{name}.lock", root / OUT / f"{name}.cdx.json"
    write(lock, folder / "pyproject.toml", out)
    bill = json.loads(out.read_text())
    return name, len(bill.get("components", ())), [f"{name}: {fault}" for fault in faults(out.read_text(), lock)]


def write(lock: Path, project: Path, out: Path) -> None:
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", str(lock), "--pyproject", str(project),
               "--mc-type", "application", "--spec-version", SPECIFICATION, "--output-reproducible", "--no-validate",
               "--output-format", "JSON", "--output-file", str(out)]  # fmt: skip
    subprocess.run(command, check=True, stderr=subprocess.PIPE)  # noqa: S603 our own arguments


def faults(bill: str, lock: Path) -> list[str]:
    """Where a bill is none by the schema, or has other packages, versions or sums than the lock."""
    error = JsonStrictValidator(SchemaVersion.from_version(SPECIFICATION)).validate_str(bill)
    if error:
        return [f"no CycloneDX {SPECIFICATION}: {str(error)[:200]}"]
    listed = {_key(it): _sums(it) for it in json.loads(bill).get("components", ())}
    locked = {(one.name, one.version): one.hashes for one in locks.read(lock)}
    told = [f"{name} {version} is missing" for name, version in sorted(locked.keys() - listed.keys())]
    told += [f"{name} {version} is not in the lock" for name, version in sorted(listed.keys() - locked.keys())]
    other = (key for key in sorted(locked.keys() & listed.keys()) if locked[key] != listed[key])
    return [*told, *(f"{name} {version} has other sums than the lock" for name, version in other)]


def _key(component: Mapping[str, Any]) -> tuple[str, str]:
    return locks.normal(component["name"]), component["version"]


def _sums(component: Mapping[str, Any]) -> frozenset[str]:
    every = [
        *component.get("hashes", ()),
        *(it for ref in component.get("externalReferences", ()) for it in ref.get("hashes", ())),
    ]
    return frozenset(it["content"] for it in every if it["alg"] == "SHA-256")


if __name__ == "__main__":
    report = check(Path.cwd())
    sys.stdout.write("\n".join(report.lines()) + "\n")
    sys.exit(bool(report.faults))
