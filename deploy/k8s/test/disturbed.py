"""What the cluster does to pods: drains that budgets hold up, and scaling by measured CPU."""

import time
from collections.abc import Callable

from deploy.k8s.test.place import ClusterError, Place
from deploy.k8s.test.release import OURS, Release
from deploy.k8s.test.shell import wait_for
from deploy.k8s.test.traffic import flowing
from deploy.k8s.test.values import LEAST_GATEWAYS, url

SERVING = ("feed", "gateway", "gateway-upload", "graph", "notify", "post", "search", "user")
PATIENCE = "25s"


def drain(release: Release, node: str) -> str:
    """The one node is asked to let go of its pods, which have nowhere to go: each budget gives one and no more.

    Raises ClusterError when the drain ends well, for a reason of its own, or leaves a service without a pod.
    """
    words = ("drain", node, "--delete-emptydir-data", f"--timeout={PATIENCE}", "--pod-selector", OURS)
    try:
        try:
            release.cluster.kubectl(*words, "--ignore-daemonsets", "--force")
        except ClusterError as error:
            why = str(error)
        else:
            raise ClusterError("the node was drained, and no budget held it up")
        left = {name: release.ready(name) for name in SERVING}
        if held_up(why) and all(left.values()):
            return f"held up, {sum(left.values())} pods of {len(left)} services left"
        raise ClusterError(f"the drain ended by {why[-300:]}, and left {left}")
    finally:
        release.cluster.kubectl("uncordon", node)


def held_up(why: str) -> bool:
    return "disruption budget" in why or "global timeout reached" in why


def scale(release: Release, place: Place) -> tuple[int, int, float]:
    """Pods of the gateway before and under a load that is more than they are asked to take, and the seconds to get
    there. Raises ClusterError when there are never more, or not as few again."""
    before = LEAST_GATEWAYS
    _wait("as few gateways as may be", lambda: _pods(release) == before, 180)
    began = time.monotonic()
    with flowing(place, url("gateway"), people=16, pause=0):
        _wait("more gateways", lambda: _pods(release) > before, 180)
        most, seconds = _pods(release), time.monotonic() - began
    _wait("as few gateways as before", lambda: _pods(release) <= before, 300)
    return before, most, seconds


def _pods(release: Release) -> int:
    return release.ready("gateway")


def _wait(what: str, ready: Callable[[], bool], seconds: float) -> None:
    wait_for(what, ready, seconds, 1)
