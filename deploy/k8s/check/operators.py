"""Values and custom resources for the operators people use: together they give every service all that it needs."""

from collections.abc import Iterator, Sequence

from deploy.k8s.check.documents import Document, at, listed, parse, pod_of
from deploy.k8s.check.shell import K8S
from deploy.k8s.check.truth import PROCESSES, deployments, required_secrets

RESOURCES = K8S / "operators" / "resources"
_KEPT = "/run/heliograph/secrets"


def faults(documents: Sequence[Document]) -> Iterator[str]:
    """`documents` are what the charts make with the values of all operators at once."""
    for deployment in deployments(documents):
        process = next((each for each in PROCESSES if each.name == deployment["metadata"]["name"]), None)
        if process:
            given = set(files(deployment))
            needed = {f"heliograph_{name}" for name in required_secrets(process)}
            yield from (f"{process.name} is given no {name}" for name in sorted(needed - given))
            if told := sorted(_told(deployment) - given):
                yield f"{process.name} is told of {told}, which are not there"
    for path in sorted(RESOURCES.glob("*.yaml")):
        for document in parse(path.read_text()):
            if not (at(document, "kind") and at(document, "metadata", "name")):
                yield f"{path.name}: a document is no Kubernetes resource"


def files(deployment: Document) -> Iterator[str]:
    """Names of the secret files that a Deployment's pods have, as far as single keys are mounted."""
    for volume in listed(pod_of(deployment), "spec", "volumes"):
        for source in listed(volume, "projected", "sources"):
            yield from (item["path"] for item in listed(source, "secret", "items"))


def _told(deployment: Document) -> set[str]:
    """Secret files that the environment names."""
    container = listed(pod_of(deployment), "spec", "containers")[0]
    values = [str(each.get("value", "")) for each in listed(container, "env")]
    return {value.rpartition("/")[2] for value in values if value.startswith(f"{_KEPT}/")}
