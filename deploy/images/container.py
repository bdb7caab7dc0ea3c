"""Containers as an orchestrator runs them: user 10001, no capability, nothing to gain, read-only but for /tmp."""

import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from deploy.images.engine import Engine, ImageError

RIGHTS = ("--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--tmpfs=/tmp:mode=1777")
# Below what an engine asks for by itself, which not every machine may grant.
LIMITS = ("--ulimit=nofile=8192:8192", "--ulimit=nproc=4096:4096")


@dataclass(frozen=True)
class Ended:
    status: int
    out: str
    err: str


@dataclass(frozen=True)
class Box:
    """One image with what its container is told; `volumes` are folders here to places there."""

    engine: Engine
    image: str
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    volumes: Mapping[Path, str] = field(default_factory=dict[Path, str])

    def run(self, *arguments: str, entrypoint: str = "", stdin: str = "") -> Ended:
        """Until it ends."""
        command = [*self._command("--rm", "--interactive", entrypoint=entrypoint), *arguments]
        done = subprocess.run(command, input=stdin, capture_output=True, text=True, timeout=400, check=False)
        return Ended(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, entrypoint: str = "") -> "Running":
        command = [*self._command("--detach", entrypoint=entrypoint), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=400, check=False)
        if done.returncode:
            raise ImageError(f"{self.image}: {done.stderr.strip()}")
        return Running(self.engine, done.stdout.strip())

    def _command(self, *options: str, entrypoint: str) -> list[str]:
        told = [f"--env={name}={value}" for name, value in self.environment.items()]
        told += [f"--volume={here}:{there}" for here, there in self.volumes.items()]
        first = [f"--entrypoint={entrypoint}"] if entrypoint else []
        # podman would lend a read-only container a /run to write to.
        own = ["--read-only-tmpfs=false"] if self.engine.name == "podman" else []
        rights = ["--pull=never", "--network=host", *RIGHTS, *own, *LIMITS]
        return [self.engine.name, "run", *rights, *options, *told, *first, self.image]


@dataclass(frozen=True)
class Running:
    engine: Engine
    identity: str

    def alive(self) -> bool:
        return self.engine.ask("inspect", "--format={{.State.Running}}", self.identity).strip() == "true"

    def stop(self, seconds: int) -> tuple[int, float]:
        """SIGTERM, and SIGKILL after `seconds`: its exit status, and how long that took."""
        started = time.monotonic()
        self.engine.ask("stop", f"--time={seconds}", self.identity)
        status = self.engine.ask("inspect", "--format={{.State.ExitCode}}", self.identity)
        return int(status), time.monotonic() - started

    def wait_for(self, text: str) -> None:
        """Until its log has that. Raises ImageError after two minutes."""
        end = time.monotonic() + 120
        while text not in self.log():
            if time.monotonic() > end:
                raise ImageError(f"never said {text!r}: {self.log()}")
            time.sleep(0.2)

    def log(self) -> str:
        done = subprocess.run([self.engine.name, "logs", self.identity], capture_output=True, text=True, check=False)
        return done.stdout + done.stderr

    def remove(self) -> None:
        self.engine.ask("rm", "--force", "--time=0", self.identity)
