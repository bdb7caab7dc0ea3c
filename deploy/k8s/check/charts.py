"""The charts, a copy of them with their dependencies in place, and the examples that are rendered."""

import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.k8s.check.documents import at, read
from deploy.k8s.check.shell import K8S, Fault, run

UMBRELLA = "heliograph"
TESTS = "tests"  # of all charts of services
SERVICES = ("user", "graph", "post", "feed", "notify", "search", "gateway")
RENDERED_FOR = "1.34.4"
# What the cluster that examples are rendered for offers beside Kubernetes itself.
OFFERED = (
    "cert-manager.io/v1",
    "gateway.networking.k8s.io/v1",
    "keda.sh/v1alpha1",
    "monitoring.coreos.com/v1",
)


@dataclass(frozen=True)
class Example:
    """A chart with values that a person might have; their paths are relative to deploy/k8s."""

    name: str
    chart: str
    values: tuple[str, ...]
    golden: bool = True

    @property
    def files(self) -> list[Path]:
        return [K8S / value for value in self.values]


EXAMPLES = (
    Example("default-external", UMBRELLA, ("examples/default-external.yaml",)),
    Example("everything-on", UMBRELLA, ("examples/everything-on.yaml",)),
    Example("evaluation", UMBRELLA, ("examples/evaluation.yaml",)),
    Example("evaluation-servers", "heliograph-evaluation", ()),
    Example(
        "operators",
        UMBRELLA,
        tuple(
            f"operators/{name}.yaml"
            for name in ("cloudnative-pg", "strimzi", "k8ssandra", "eck", "valkey", "s3", "own-secrets")
        ),
        golden=False,
    ),
    Example("feed-alone", "heliograph-feed", ("examples/feed-alone.yaml",)),
)


def names() -> list[str]:
    """Every chart's folder, what others depend on first."""
    found = sorted(path.parent.name for path in K8S.glob("*/Chart.yaml"))
    if UMBRELLA not in found:
        raise Fault(f"there is no chart {UMBRELLA} in {K8S}")
    return sorted(found, key=lambda name: (name == UMBRELLA, not is_library(name), name))


def is_library(name: str) -> bool:
    return at(read(K8S / name / "Chart.yaml"), "type") == "library"


@contextmanager
def prepared() -> Generator[Path]:
    """A folder with all charts and in each the charts that it depends on; the tree is left as it is."""
    with tempfile.TemporaryDirectory(prefix="heliograph-charts.") as name:
        folder = Path(name)
        for chart in names():
            shutil.copytree(K8S / chart, folder / chart, ignore=shutil.ignore_patterns("charts"))
        shutil.copytree(K8S / TESTS, folder / TESTS)
        for chart in names():
            if at(read(K8S / chart / "Chart.yaml"), "dependencies"):
                run(["helm", "dependency", "update", "--skip-refresh", chart], folder=folder)
        yield folder


def render(folder: Path, example: Example, version: str = RENDERED_FOR) -> str:
    """What helm would apply. Raises Fault."""
    command = ["helm", "template", UMBRELLA, example.chart, "--namespace", "heliograph", "--kube-version", version]
    command += [word for offered in OFFERED for word in ("--api-versions", offered)]
    return run([*command, *(word for file in example.files for word in ("--values", str(file)))], folder=folder)
