"""Where the cluster lives, what its parts are called, and its addresses.

Everything is in one run folder, one network namespace and one cgroup of each hierarchy, so that all of it can be put
away.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

NAME = "heliograph-k8s"  # of the network namespace, the cgroups and the pods' network
VETH = "hgk8s0"  # the host's end
HOST_IP = "10.201.0.1"
NODE_IP = "10.201.0.2"
NODE = "node0"
PODS = "10.244.0.0/16"
NODE_PODS = "10.244.0.0/24"
SERVICES = "10.96.0.0/16"
API_IP = "10.96.0.1"
DNS_IP = "10.96.0.10"
DOMAIN = "cluster.local"
API = f"https://{NODE_IP}:6443"
INSIDE = ("nsenter", f"--net=/run/netns/{NAME}", "--")


class ClusterError(Exception):
    """One line for whoever runs this."""


def resolver(address: str) -> str:
    """resolv.conf of whoever looks names up at the cluster's DNS."""
    return f"nameserver {address}\nsearch svc.{DOMAIN} {DOMAIN}\noptions ndots:5\n"


@dataclass(frozen=True)
class Place:
    """`given` is the file that names a cluster which is there already; without it the cluster is made, at `root`.
    `host_ip` is this machine's address for pods."""

    root: Path
    given: Path | None = None
    host_ip: str = HOST_IP

    def folder(self, name: str) -> Path:
        made = self.root / name
        made.mkdir(parents=True, exist_ok=True)
        return made

    @property
    def pki(self) -> Path:
        return self.folder("pki")

    @property
    def kubeconfig(self) -> Path:
        return self.given or self.pki / "admin.kubeconfig"

    @property
    def enter(self) -> tuple[str, ...]:
        """What comes before a command that reaches addresses of Services."""
        return () if self.given else INSIDE

    @property
    def socket(self) -> Path:
        return self.root / "containerd/c.sock"

    def log(self, name: str) -> Path:
        return self.folder("log") / f"{name}.log"


def default() -> Place:
    """On a disk, since images are unpacked there: HELIOGRAPH_K8S_ROOT, or a folder that outlives no clean-up."""
    return Place(Path(os.environ.get("HELIOGRAPH_K8S_ROOT", "/var/tmp/heliograph-k8s")).absolute())  # noqa: S108 fixed


def asked() -> Place:
    """The cluster that KUBECONFIG names, where it does."""
    name = os.environ.get("KUBECONFIG")
    return replace(beside(), given=Path(name).absolute()) if name else default()


def beside() -> Place:
    """A folder of its own for a trial on a given cluster, which may be that of `make k8s-up`."""
    return Place(Path(f"{default().root}-trial"))
