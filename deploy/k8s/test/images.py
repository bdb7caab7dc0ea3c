"""Images that need no registry: one program as a layer of its own, and those that an engine built here."""

import hashlib
import io
import json
import platform
import subprocess
import tarfile
from collections.abc import Mapping
from pathlib import Path

from deploy.k8s.test.configs import PAUSE
from deploy.k8s.test.place import ClusterError, Place
from deploy.k8s.test.shell import run
from deploy.k8s.test.tools import Tools

PROGRAMS: Mapping[str, str] = {
    PAUSE: "pause",
    "localhost/heliograph-coredns:1": "coredns",
    "localhost/heliograph-metrics-server:1": "metrics-server",
}
NOBODY = "65534"


def load_programs(place: Place, tools: Tools) -> None:
    for image, name in PROGRAMS.items():
        archive = place.folder("images") / f"{name}.tar"
        write(archive, image, Path(tools.program(name)))
        load(place, archive)


def load(place: Place, archive: Path) -> None:
    run(["ctr", "--address", str(place.socket), "--namespace", "k8s.io", "images", "import", str(archive)])
    archive.unlink()


def load_built(place: Place, engine: str, images: list[str]) -> None:
    """Images of this machine's engine, all in one archive, so that what they share is there once."""
    if missing := [image for image in images if not _has(engine, image)]:
        raise ClusterError(f"{engine} has no image {', '.join(missing)}: build them by `make images`")
    archive = place.folder("images") / "built.tar"
    archive.unlink(missing_ok=True)
    several = ["--multi-image-archive", "--format=docker-archive"] if engine == "podman" else []
    run([engine, "save", *several, "--output", str(archive), *images])
    load(place, archive)


def _has(engine: str, image: str) -> bool:
    return subprocess.run([engine, "image", "inspect", image], capture_output=True, check=False).returncode == 0


def write(archive: Path, image: str, program: Path) -> None:
    """An archive as `docker save` makes it, of an image that holds a static program and nothing else."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as tar:
        _add(tar, f"bin/{program.name}", program.read_bytes(), 0o755)
        _add(tar, "tmp/.keep", b"", 0o644)
    config = {
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine()),
        "os": "linux",
        "config": {"Entrypoint": [f"/bin/{program.name}"], "User": NOBODY},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer.getvalue()).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [image], "Layers": ["layer.tar"]}]
    with tarfile.open(archive, "w") as tar:
        _add(tar, "config.json", json.dumps(config).encode())
        _add(tar, "layer.tar", layer.getvalue())
        _add(tar, "manifest.json", json.dumps(manifest).encode())


def _add(tar: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    tar.addfile(entry, io.BytesIO(content))
