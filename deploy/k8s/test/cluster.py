"""The cluster as one thing: up, down, and asked."""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.k8s.test import certificates, components, configs, host, images, network, shell
from deploy.k8s.test.place import NODE, ClusterError, Place
from deploy.k8s.test.shell import run, wait_for
from deploy.k8s.test.tools import ROOT, Tools

ADDONS = Path(__file__).parent / "addons"
# In the order in which they are stopped: the kubelet first, or it would start again what ends.
PARTS = ("kubelet", "kube-proxy", "kube-scheduler", "kube-controller-manager", "kube-apiserver", "containerd", "etcd")


@dataclass(frozen=True)
class Cluster:
    """Any cluster, by the file that kubectl and helm are told."""

    kubeconfig: Path
    tools: Tools
    home: Path

    @property
    def environment(self) -> Mapping[str, str]:
        homes = {f"HELM_{kind}_HOME": f"{self.home}/helm/{kind.lower()}" for kind in ("CACHE", "CONFIG", "DATA")}
        return {**homes, "KUBECONFIG": str(self.kubeconfig)}

    def kubectl(self, *words: str, given: str = "") -> str:
        return run([self.tools.program("kubectl"), *words], given=given, told=self.environment)

    def helm(self, *words: str) -> str:
        return run([self.tools.program("helm"), *words], told=self.environment)

    def get(self, *words: str) -> Any:
        return json.loads(self.kubectl("get", *words, "--output=json"))

    def asks(self, *words: str) -> bool:
        """Whether kubectl succeeds."""
        try:
            self.kubectl(*words)
        except ClusterError:
            return False
        return True


def up(place: Place, tools: Tools) -> Cluster:
    """Everything, or nothing: what was begun is put away again when a step fails."""
    host.refuse_unfit()
    if network.exists() or (place.root / "pids").exists():
        raise ClusterError(
            f"there is a cluster on this machine, or what is left of one: `make k8s-down` ({place.root})"
        )
    try:
        return _up(place, tools)
    except BaseException:
        down(place)
        raise


def _up(place: Place, tools: Tools) -> Cluster:
    began = time.monotonic()
    place.root.mkdir(parents=True, exist_ok=True)
    place.root.chmod(0o755)
    host.remember_settings(place)
    certificates.make(place.pki)
    configs.write(place)
    host.make_cgroups()
    network.up()
    cluster, told = Cluster(place.kubeconfig, tools, place.root), components.commands(place, tools)
    for name in ("etcd", "containerd", "kube-apiserver"):
        shell.start(place, name, told[name])
    wait_for("containerd", lambda: shell.attempt(["ctr", "--address", str(place.socket), "version"]))
    images.load_programs(place, tools)
    wait_for("kube-apiserver", lambda: cluster.asks("get", "--raw", "/readyz"), 120)
    say(f"control plane after {time.monotonic() - began:.0f} s")
    for name in ("kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy"):
        shell.start(place, name, told[name])
    wait_for("the node", lambda: cluster.asks("get", "node", NODE), 60)
    cluster.kubectl("wait", "--for=condition=Ready", f"node/{NODE}", "--timeout=120s")
    wait_for("the default account", lambda: cluster.asks("get", "serviceaccount", "default"), 60)
    for addon in sorted(ADDONS.glob("*.yaml")):
        cluster.kubectl("apply", "-f", str(addon))
    cluster.kubectl("-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=120s")
    say(f"cluster after {time.monotonic() - began:.0f} s: export KUBECONFIG={place.kubeconfig}")
    return cluster


def down(place: Place) -> None:
    """Also after half a start, twice, or when processes were killed: every step does what there is to do."""
    for name in PARTS:
        if name == "containerd":
            host.kill_pods()
        shell.stop(place, name)
    host.kill_shims(place)
    wait_for("the end of containerd's helpers", lambda: not _shims(place), 10)
    host.kill_pods()
    network.down()
    host.unmount(place)
    host.sweep(place)
    host.remove_cgroups()
    host.restore_settings(place)
    shutil.rmtree(place.root, ignore_errors=True)
    if place.root.exists():
        raise ClusterError(f"{place.root} cannot be removed: something still uses it")


def _shims(place: Place) -> bool:
    return shell.attempt(["pgrep", "-f", f"containerd-shim-runc-v2.*{place.socket}"])


def inside(place: Place, command: Sequence[str]) -> "subprocess.Popen[str]":
    """A program of this machine in the cluster's network, for which names of Services are those of the cluster."""
    script = f'mount --bind {place.root}/resolv.conf "$(readlink -f /etc/resolv.conf)" && exec "$@"'
    words = [*place.enter, "unshare", "--mount", "--", "sh", "-c", script, "inside", *command]
    return subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


def say(line: str) -> None:
    sys.stderr.write(f"k8s: {line}\n")
    sys.stderr.flush()
