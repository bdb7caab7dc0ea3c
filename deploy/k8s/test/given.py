"""A cluster that is there already: the one that KUBECONFIG names. Nothing of it is changed but a namespace of its own.

This machine must reach addresses of its Services, as each of its nodes does (k3s, kubeadm), and its pods this machine,
where the backing servers run: at HOST_ADDRESS, else at the address from which this machine reaches the node. Images are
on its nodes, or in a registry: IMAGES is what comes before `/<service>`.
"""

import os
import shutil
import socket
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from deploy.k8s.test import backing
from deploy.k8s.test.cluster import Cluster, say
from deploy.k8s.test.place import ClusterError, Place, resolver
from deploy.k8s.test.release import NAME
from deploy.k8s.test.tools import Tools
from deploy.k8s.test.values import NAMESPACE

_MEASURED = "/apis/metrics.k8s.io/v1beta1/nodes"


@contextmanager
def joined(place: Place, tools: Tools) -> Generator[tuple[Place, Cluster]]:
    """The cluster, and how it is reached. Takes away at the end what was put there. Raises ClusterError when it cannot
    be tried there, before anything was changed."""
    found = Cluster(place.kubeconfig, tools, place.root)
    node = _refuse_unfit(found)
    dns = found.get("service", "kube-dns", "--namespace=kube-system")["spec"]["clusterIP"]
    _refuse_unreachable(dns)
    place.root.mkdir(parents=True, exist_ok=True)
    (place.root / "resolv.conf").write_text(resolver(dns))
    try:
        yield replace(place, host_ip=os.environ.get("HOST_ADDRESS") or _address_towards(_internal(node))), found
    finally:
        if not os.environ.get("KEEP"):
            _take_away(place, found)


def _refuse_unfit(cluster: Cluster) -> dict[str, Any]:
    if os.geteuid() != 0:
        raise ClusterError("names of the cluster's Services are looked up in a mount namespace, which needs root")
    if cluster.asks("get", "namespace", NAMESPACE):
        raise ClusterError(f"the cluster has a namespace {NAMESPACE} already, which would be deleted at the end")
    if not cluster.asks("get", "--raw", _MEASURED):
        raise ClusterError("the cluster has no metrics server, without which nothing is scaled by CPU")
    return cluster.get("nodes")["items"][0]


def _refuse_unreachable(address: str) -> None:
    try:
        socket.create_connection((address, 53), timeout=5).close()
    except OSError as error:
        raise ClusterError(
            f"addresses of the cluster's Services are not reached from here ({address}:53: {error}): run this on one"
            " of its nodes, or unset KUBECONFIG to have a cluster made"
        ) from error


def _take_away(place: Place, cluster: Cluster) -> None:
    if cluster.asks("get", "namespace", NAMESPACE):
        try:
            cluster.helm("uninstall", NAME, "--namespace", NAMESPACE, "--ignore-not-found", "--wait")
        finally:
            cluster.kubectl("delete", "namespace", NAMESPACE, "--timeout=5m")
    backing.down(place)
    shutil.rmtree(place.root, ignore_errors=True)
    say("taken away")


def _internal(node: dict[str, Any]) -> str:
    return next(one["address"] for one in node["status"]["addresses"] if one["type"] == "InternalIP")


def _address_towards(other: str) -> str:
    """Of this machine, as the routes are; nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((other, 9))
        return probe.getsockname()[0]
