"""What builds and runs images on this machine: podman, buildah (which runs none) or docker."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

KNOWN = ("podman", "buildah", "docker")
SECRETS = ("PIP_CERT", "SSL_CERT_FILE")


class ImageError(Exception):
    """One line for whoever asked for an image."""


@dataclass(frozen=True)
class Recipe:
    """What one image is made of. `arguments` are those of the Dockerfile beside BASE."""

    image: str
    base: str
    arguments: Mapping[str, str]
    fresh: bool = False


@dataclass(frozen=True)
class Engine:
    name: str
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))

    def build(self, root: Path, recipe: Recipe) -> None:
        """Raises ImageError with the end of what the builder said."""
        # Files have no time, or a layer whose lock is as before would have to be stored and pulled again.
        arguments = {**recipe.arguments, "BASE": recipe.base, "SOURCE_DATE_EPOCH": "0"}
        command = [self.name, "build", "--file", str(root / "deploy/Dockerfile"), "--tag", recipe.image]
        command += [f"--build-arg={name}={value}" for name, value in arguments.items()]
        command += [*self._own(root), *(["--no-cache"] if recipe.fresh else []), *self._authority(), str(root)]
        done = subprocess.run(
            command,
            env={**self.environment, "DOCKER_BUILDKIT": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ImageError(f"{recipe.image}: {self.name} failed\n" + "\n".join(done.stdout.splitlines()[-25:]))

    def _own(self, root: Path) -> list[str]:
        """docker takes times from SOURCE_DATE_EPOCH itself, and finds the list of what to ignore beside the file."""
        if self.name == "docker":
            return []
        ignored = f"--ignorefile={root / 'deploy/Dockerfile.dockerignore'}"
        return ["--layers", "--network=host", "--timestamp=0", ignored]

    def _authority(self) -> list[str]:
        """Certificates that this machine is told to trust are for the build alone, and in no image."""
        told = next((self.environment[name] for name in SECRETS if self.environment.get(name)), None)
        return [f"--secret=id=ca,src={told}"] if told else []

    def inspect(self, image: str) -> dict[str, Any]:
        """Raises ImageError when there is no such image here."""
        if self.name == "buildah":
            return self._inspect_by_buildah(image)
        return json.loads(self.ask("image", "inspect", image))[0]

    def _inspect_by_buildah(self, image: str) -> dict[str, Any]:
        (listed,) = json.loads(self.ask("images", "--json", image))
        return {"Id": listed["id"], "Size": 0, "Config": {}}

    def has(self, image: str) -> bool:
        try:
            self.inspect(image)
        except ImageError:
            return False
        return True

    def ask(self, *arguments: str) -> str:
        """What it prints. Raises ImageError with its last line."""
        done = subprocess.run([self.name, *arguments], capture_output=True, text=True, check=False)
        if done.returncode:
            raise ImageError(f"{self.name} {arguments[0]}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
        return done.stdout


def find(wanted: str = "", known: Sequence[str] = KNOWN) -> Engine:
    """The engine of that name, or the first that answers. Raises ImageError when none does."""
    for name in [wanted] if wanted else known:
        if shutil.which(name) and _answers(name):
            return Engine(name)
    raise ImageError(
        f"{wanted or 'podman, buildah or docker'} is missing or does not answer; `apt-get install podman runc` will do"
    )


def _answers(name: str) -> bool:
    """A docker without its engine has a program all the same."""
    return subprocess.run([name, "info"], capture_output=True, check=False).returncode == 0
