"""Programs that the checks run, and what a check says when it fails."""

import os
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[3]
K8S = ROOT / "deploy" / "k8s"
CACHE = Path(os.environ.get("HELIOGRAPH_CACHE", "/var/cache/heliograph"))
TOOLS = ("helm", "kubeconform", "kube-score", "helm-unittest", "helm-docs")


class Fault(Exception):
    """A check that failed: its text is what the person reads."""


@dataclass(frozen=True)
class Answer:
    status: int
    out: str
    err: str

    @property
    def text(self) -> str:
        return "\n".join(part for part in (self.out.strip(), self.err.strip()) if part)


@cache
def tools() -> str:
    """A PATH with the pinned tools in front; the first call of a machine builds them. Raises Fault."""
    done = subprocess.run([ROOT / "deploy/tools/install", *TOOLS], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise Fault("deploy/tools/install failed")
    return f"{done.stdout.strip()}:{os.environ.get('PATH', os.defpath)}"


def ask(command: Sequence[str | Path], given: str | None = None, folder: Path = K8S) -> Answer:
    """Runs a program, whatever its end. Its answers are not taken from a person's own configuration of helm."""
    home = {
        "HELM_CONFIG_HOME": "/nonexistent",
        "HELM_CACHE_HOME": str(CACHE / "helm"),
        "HELM_DATA_HOME": "/nonexistent",
    }
    done = subprocess.run(
        [str(word) for word in command],
        input=given,
        capture_output=True,
        text=True,
        check=False,
        cwd=folder,
        env=os.environ | {"PATH": tools()} | home,
    )
    return Answer(done.returncode, done.stdout, done.stderr)


def run(command: Sequence[str | Path], given: str | None = None, folder: Path = K8S) -> str:
    """What the program wrote to its standard output. Raises Fault with all it wrote where it fails."""
    answer = ask(command, given, folder)
    if answer.status:
        raise Fault(answer.text or f"{command[0]} ended with {answer.status}")
    return answer.out
