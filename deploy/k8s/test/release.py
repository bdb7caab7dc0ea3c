"""The release on the cluster: installed, changed, restarted, looked at."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from deploy.k8s.test.cluster import Cluster
from deploy.k8s.test.place import ClusterError
from deploy.k8s.test.shell import wait_for
from deploy.k8s.test.values import NAMESPACE

NAME = "heliograph"
OURS = "app.kubernetes.io/part-of=heliograph"
MINUTES = 10


@dataclass(frozen=True)
class Release:
    cluster: Cluster
    charts: Path
    values: Path

    def kubectl(self, *words: str) -> str:
        return self.cluster.kubectl("--namespace", NAMESPACE, *words)

    def objects(self, kind: str) -> list[dict[str, Any]]:
        return self.cluster.get(kind, "--namespace", NAMESPACE, "--selector", OURS)["items"]

    def check_by_server(self) -> int:
        """Everything that the chart makes, judged by the API server alone. Answers how many objects it took."""
        made = self._helm("template", "--kube-version", "1.34.4", "--values", str(self.values))
        return len(self.cluster.kubectl("apply", "--dry-run=server", "-f", "-", given=made).splitlines())

    def install(self) -> float:
        """Seconds until all is ready."""
        return self._timed(
            "install", "--wait", "--wait-for-jobs", f"--timeout={MINUTES}m", "--values", str(self.values)
        )

    def upgrade(self, *changes: str) -> float:
        sets = [word for change in changes for word in ("--set", change)]
        return self._timed("upgrade", "--wait", f"--timeout={MINUTES}m", "--values", str(self.values), *sets)

    def rollback(self) -> float:
        began = time.monotonic()
        self.cluster.helm("rollback", NAME, "--namespace", NAMESPACE, "--wait", f"--timeout={MINUTES}m")
        return time.monotonic() - began

    def _timed(self, command: str, *options: str) -> float:
        began = time.monotonic()
        self._helm(command, *options)
        return time.monotonic() - began

    def _helm(self, command: str, *options: str) -> str:
        return self.cluster.helm(command, NAME, str(self.charts / NAME), "--namespace", NAMESPACE, *options)

    def deployments(self) -> list[str]:
        return sorted(found["metadata"]["name"] for found in self.objects("deployments"))

    def nodes(self) -> list[str]:
        return [found["metadata"]["name"] for found in self.cluster.get("nodes")["items"]]

    def restart(self, deployment: str) -> None:
        """Every pod of it, one after the other. Raises ClusterError when the new ones do not get ready."""
        self.kubectl("rollout", "restart", f"deployment/{deployment}")
        self.kubectl("rollout", "status", f"deployment/{deployment}", f"--timeout={MINUTES}m")

    def wait_all_ready(self) -> None:
        for name in self.deployments():
            self.kubectl("rollout", "status", f"deployment/{name}", f"--timeout={MINUTES}m")

    def ready(self, deployment: str) -> int:
        return self.cluster.get("deployment", deployment, "--namespace", NAMESPACE)["status"].get("readyReplicas", 0)

    def wait_old_gone(self) -> None:
        """Until no pod is on its way out: one that ends badly would fail requests after it was looked at."""

        def none() -> bool:
            return not any("deletionTimestamp" in pod["metadata"] for pod in self.objects("pods"))

        wait_for("the end of old pods", none, 240, 1)

    def restarts(self) -> dict[str, int]:
        """Containers that did not live through, by pod."""
        found = {
            pod["metadata"]["name"]: sum(state["restartCount"] for state in pod["status"].get("containerStatuses", []))
            for pod in self.objects("pods")
        }
        return {name: count for name, count in found.items() if count}

    def explain(self) -> str:
        """What is not ready, and the last that it said: for whoever reads a failure."""
        try:
            lines = [self.kubectl("get", "pods", "--output=wide")]
            for pod in self.objects("pods"):
                if not all(state["ready"] for state in pod["status"].get("containerStatuses", [{"ready": False}])):
                    name = pod["metadata"]["name"]
                    lines.append(self.kubectl("describe", "pod", name)[-1500:])
                    lines.append(self.kubectl("logs", name, "--all-containers", "--tail=15"))
            return "\n".join(lines)
        except ClusterError as error:
            return str(error)


def write_values(file: Path, values: dict[str, Any]) -> Path:
    file.write_text(yaml.safe_dump(values))
    return file
