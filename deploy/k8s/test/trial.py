"""What is tried: the charts with our images on a real cluster, under load. A step that fails ends it.

KUBECONFIG names the cluster, else one is made. ROLLOUTS=20 restarts every Deployment twenty times (default 1); KEEP=1
leaves all as it is at the end; ENGINE names what built the images (default podman), IMAGES where a given cluster finds
them.
"""

import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, TypeVar

from deploy.k8s.check.charts import prepared
from deploy.k8s.check.shell import Fault
from deploy.k8s.test import backing, cluster, disturbed, given, guarded, host, images, said, tools, values
from deploy.k8s.test.cluster import Cluster, say
from deploy.k8s.test.place import ClusterError, Place
from deploy.k8s.test.release import Release, write_values
from deploy.k8s.test.traffic import Traffic, flowing

SERVICES = ("gateway", "user", "graph", "post", "feed", "notify", "search")
VERSION = tomllib.loads((tools.ROOT / "pyproject.toml").read_text())["project"]["version"]
ENGINE = os.environ.get("ENGINE", "podman")
BUILT = [f"docker.io/heliograph/{service}:{VERSION}" for service in SERVICES]
NEVER_PULLED = {"pullPolicy": "Never"}
DEMO_PATIENCE = 300
UPGRADED = ("gateway", "feed")  # all at once would be more starting processes than two cores have room for
T = TypeVar("T")


@dataclass
class Report:
    """The last line, as it comes to be known."""

    found: dict[str, Any] = field(default_factory=lambda: {"ok": False})

    def step(self, name: str, act: Callable[[], T], told: Callable[[T], object] = lambda _: "") -> T:
        began = time.monotonic()
        answer = act()
        say(f"{time.monotonic() - began:5.0f} s  {name}  {told(answer)}".rstrip())
        return answer


def run(place: Place) -> int:
    report = Report()
    try:
        with _cluster(place, report) as (reached, there), prepared() as charts:
            _Trial(reached, Release(there, charts, reached.root / "values.yaml"), report).all()
        report.found["ok"] = True
    except (ClusterError, Fault, subprocess.TimeoutExpired) as error:
        report.found["error"] = str(error)
    sys.stdout.write(json.dumps(report.found) + "\n")
    return 0 if report.found["ok"] else 1


@contextmanager
def _cluster(place: Place, report: Report) -> Generator[tuple[Place, Cluster]]:
    if place.given:
        with given.joined(place, tools.get("kubernetes", "helm")) as joined:
            yield joined
        return
    host.refuse_unfit()
    wanted = tools.get()
    try:
        yield place, report.step("cluster", lambda: cluster.up(place, wanted))
    finally:
        if not os.environ.get("KEEP"):
            put_away(place)


def put_away(place: Place) -> None:
    backing.down(place)
    cluster.down(place)
    say("put away")


def _image(place: Place) -> dict[str, str]:
    found = {"repository": os.environ.get("IMAGES", ""), "pullPolicy": "IfNotPresent"} if place.given else NEVER_PULLED
    return {"tag": VERSION, **found}


@dataclass(frozen=True)
class _Trial:
    place: Place
    release: Release
    report: Report

    def all(self) -> None:
        secrets = self._prepare()
        try:
            self._install()
            with flowing(self.place, values.url("gateway")) as traffic:
                self._change(traffic)
            self._judge(secrets)
        except ClusterError:
            say(self.release.explain())
            raise

    def _prepare(self) -> dict[str, str]:
        step, there, place = self.report.step, self.release.cluster, self.place
        if not place.given:
            step("images of this machine", lambda: images.load_built(place, ENGINE, BUILT))
        told = step("backing servers, outside of the cluster", lambda: backing.up(place))
        there.kubectl("create", "namespace", values.NAMESPACE)
        secrets = backing.make_secrets(there, values.NAMESPACE, told)
        certificates = backing.make_certificates(there, values.NAMESPACE, place)
        write_values(self.release.values, values.of(told, _image(place), place.host_ip))
        step("secrets and certificates", lambda: len(secrets), lambda count: f"{count}, in {certificates}")
        step("what the API server thinks of all objects", self.release.check_by_server, lambda count: f"{count} taken")
        return secrets

    def _install(self) -> None:
        found, step = self.report.found, self.report.step
        found["install_s"] = round(step("helm install --wait", self.release.install))
        found["demo"] = step("demo, through the Service", self._demo, str)
        certificates = self.place.root / "tls"
        found["refused"] = step("who may call feed", lambda: guarded.refusals(self.place, certificates), str)

    def _demo(self) -> dict[str, Any]:
        process = cluster.inside(self.place, [sys.executable, "-m", "demo", "--url", values.url("gateway")])
        lines = process.communicate(timeout=DEMO_PATIENCE)[0].strip().splitlines()
        if process.returncode:
            raise ClusterError("the demo failed: " + " / ".join(line.strip() for line in lines[-3:]))
        return json.loads(lines[-1])

    def _change(self, traffic: Traffic) -> None:
        """Everything that operators do by day, while requests go on."""
        found = self.report.found
        changes = [f"{service}.secretsRevision=next" for service in UPGRADED]
        self._under(traffic, "helm upgrade", lambda: self.release.upgrade(*changes))
        self._under(traffic, "helm rollback", self.release.rollback)
        rounds = int(os.environ.get("ROLLOUTS", "1"))
        found["rollouts"] = 0
        for number in range(1, rounds + 1):
            for name in self.release.deployments():
                self._under(traffic, f"rollout {number} of {name}", lambda name=name: self.release.restart(name))
                found["rollouts"] += 1
        self.release.wait_old_gone()
        self._drain(traffic)
        count = traffic.count()
        found |= {"requests": count.requests, "failed": count.failed, "slowest_ms": count.slowest_ms}

    def _drain(self, traffic: Traffic) -> None:
        """Only where pods have nowhere to go: nodes of more are somebody's who has other things on them."""
        nodes = self.release.nodes()
        if len(nodes) > 1:
            self.report.found["drain"] = f"not tried: {len(nodes)} nodes"
            return
        drained = self._under(traffic, "drain of the only node", lambda: disturbed.drain(self.release, nodes[0]))
        self.report.found["drain"] = drained
        self._under(traffic, "all pods back", self.release.wait_all_ready)

    def _under(self, traffic: Traffic, name: str, act: Callable[[], T]) -> T:
        """A step during which some requests are answered and none is refused."""
        before, began = traffic.count(), datetime.now(UTC)
        answer = self.report.step(name, act, lambda _: _since(before.requests, before.failed, traffic))
        if traffic.count().failed > before.failed and not self.place.given:
            say("\n".join(said.troubles(self.place, began)))
        if traffic.count().requests == before.requests:
            raise ClusterError(f"{name}: no request was answered meanwhile, so nothing is shown")
        return answer

    def _judge(self, secrets: dict[str, str]) -> None:
        found, release = self.report.found, self.release
        before, most, seconds = self.report.step(
            "pods by measured CPU", lambda: disturbed.scale(release, self.place), str
        )
        found["scaled"] = {"from": before, "to": most, "in_s": round(seconds)}
        texts = self.report.step("all that can be read", lambda: guarded.readable(release), lambda texts: len(texts))
        if "heliograph-media" not in texts["specs"]:
            raise ClusterError("the bucket's name is in no spec, so a search for secrets would find none either")
        if leaked := guarded.leaks(texts, secrets):
            raise ClusterError(f"secrets can be read: {'; '.join(leaked)}")
        found["secrets_sought"] = len(secrets)
        if restarted := release.restarts():
            raise ClusterError(f"containers died: {restarted}")
        if found["failed"]:
            raise ClusterError(f"{found['failed']} of {found['requests']} requests failed")


def _since(requests: int, failed: int, traffic: Traffic) -> str:
    count = traffic.count()
    new = count.failed - failed
    text = f"{count.requests - requests} requests, {new} failed"
    return f"{text}: {'; '.join(count.failures[-min(new, 5) :])}" if new else text
