"""The programs of the cluster, as deploy/tools/install gets them."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from deploy.k8s.test.place import ClusterError

ROOT = Path(__file__).parents[3]
WANTED = ("kubernetes", "helm", "coredns", "metrics-server", "pause", "etcd", "containerd", "runc", "cni")


@dataclass(frozen=True)
class Tools:
    """`path` is like the variable PATH."""

    path: str

    def program(self, name: str) -> str:
        found = shutil.which(name, path=f"{self.path}:/usr/sbin:/sbin")
        if not found:
            raise ClusterError(f"there is no {name} in {self.path}")
        return found


def get(*names: str) -> Tools:
    """What is missing is built first, which takes a quarter of an hour for Kubernetes, once."""
    command = [str(ROOT / "deploy/tools/install"), *(names or WANTED)]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise ClusterError("the tools could not be installed")
    return Tools(done.stdout.strip())
