"""JSON schemas for kubeconform, made from the API descriptions inside pinned Go modules, closed to unknown fields.

`schemas.txt` pins the modules: a name, a version, the sum that Go's checksum database knows, and files in the module.
Layout: FOLDER/<Kubernetes version>/<group>/<kind>_<version>.json, and FOLDER/extensions/... for what operators define;
the group of core kinds is `v1`, as kubeconform calls it.
"""

import hashlib
import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from deploy.k8s.check import crds, swagger
from deploy.k8s.check.documents import parse
from deploy.k8s.check.shell import CACHE, Fault

HERE = Path(__file__).parent
PINS = HERE / "schemas.txt"
LOCATION = "{{ .Group }}/{{ .ResourceKind }}_{{ .ResourceAPIVersion }}.json"
KUBERNETES = "k8s.io/kubernetes"
EXTENSIONS = "extensions"


@dataclass(frozen=True)
class Pin:
    module: str
    version: str
    total: str
    files: str


def pins() -> list[Pin]:
    lines = [line.split() for line in PINS.read_text().splitlines() if line and not line.startswith("#")]
    return [Pin(*words) for words in lines]


def minors() -> list[str]:
    """The Kubernetes versions that charts are checked for, such as 1.34.4, the oldest first."""
    return [pin.version.removeprefix("v") for pin in pins() if pin.module == KUBERNETES]


def folder() -> Path:
    """Where the schemas are; makes them where these pins were never used on this machine. Raises Fault."""
    sources = [PINS, *(HERE / name for name in ("schemas.py", "swagger.py", "crds.py"))]
    mark = hashlib.sha256(b"".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    made = CACHE / "schemas" / mark
    if not made.is_dir():
        made.parent.mkdir(parents=True, exist_ok=True)
        _make(made)
    return made


def _make(place: Path) -> None:
    with tempfile.TemporaryDirectory(prefix=".making.", dir=place.parent) as name:
        work = Path(name) / "schemas"
        for pin in pins():
            kind = pin.version.removeprefix("v") if pin.module == KUBERNETES else EXTENSIONS
            for path, schema in _schemas(pin, Path(name) / "modules"):
                file = work / kind / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(json.dumps(schema, separators=(",", ":")))
        try:
            work.rename(place)
        except OSError:
            if not place.is_dir():  # otherwise somebody else was quicker
                raise


def _schemas(pin: Pin, modules: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    archive = _download(pin, modules)
    with zipfile.ZipFile(archive) as files:
        prefix = f"{pin.module}@{pin.version}/"
        found = [name for name in files.namelist() if fnmatchcase(name.removeprefix(prefix), pin.files)]
        if not found:
            raise Fault(f"{pin.module} {pin.version} has no {pin.files}")
        for name in found:
            text = files.read(name)
            if pin.module == KUBERNETES:
                yield from swagger.schemas(json.loads(text))
            else:
                for document in parse(text):
                    yield from crds.schemas(document)
    shutil.rmtree(modules, onerror=_writable)


def _download(pin: Pin, modules: Path) -> Path:
    """The module's archive, from the proxy that Go is set to; Go checks it against its checksum database too."""
    command = ["go", "mod", "download", "-json", f"{pin.module}@{pin.version}"]
    environment = os.environ | {"GOMODCACHE": str(modules), "GOFLAGS": "-modcacherw", "GOWORK": "off"}
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE, env=environment)
        told = json.loads(done.stdout)
    except (OSError, ValueError) as error:
        raise Fault(f"{' '.join(command)}: {error}") from error
    if told.get("Sum") != pin.total:
        raise Fault(f"{pin.module} {pin.version}: {told.get('Error') or 'its sum is ' + str(told.get('Sum'))}")
    return Path(told["Zip"])


def _writable(function: Any, path: str, _: Any) -> None:
    Path(path).parent.chmod(0o700)
    function(path)
