"""YAML as Kubernetes has it, read and written the same way everywhere in the checks."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import yaml

Document = dict[str, Any]
_Fast: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Loader(_Fast):
    """Of YAML 1.1's own ideas, without: `=` and dates are text."""


Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in known if tag.rpartition(":")[2] not in ("value", "timestamp")]
    for first, known in _Fast.yaml_implicit_resolvers.items()
}


def parse(text: str | bytes) -> list[Document]:
    """The documents that are not empty."""
    return [cast("Document", each) for each in yaml.load_all(text, Loader=Loader) if each]


def read(path: Path) -> Document:
    """The one document of a file; {} when it is empty."""
    return next(iter(parse(path.read_text())), Document())


def name_of(document: Document) -> str:
    """Such as Deployment/user."""
    return f"{document['kind']}/{document['metadata']['name']}"


def at(document: Any, *path: str) -> Any:
    """What lies there; None where any of the steps is missing."""
    for step in path:
        if not isinstance(document, dict):
            return None
        document = cast("Document", document).get(step)
    return document


def listed(document: Any, *path: str) -> list[Document]:
    """As `at`; [] where it is missing."""
    return cast("list[Document]", at(document, *path) or [])


def mapped(document: Any, *path: str) -> Document:
    """As `at`; {} where it is missing."""
    return cast("Document", at(document, *path) or {})


def pod_of(document: Document) -> Document | None:
    """The pod template of a workload, the pod of a Pod."""
    if document["kind"] == "Pod":
        return document
    if document["kind"] == "CronJob":
        return at(document, "spec", "jobTemplate", "spec", "template")
    template = at(document, "spec", "template")
    return template if at(template, "spec", "containers") else None


def containers(document: Document) -> Iterator[Document]:
    """Those of a workload, the ones that run first included."""
    pod = pod_of(document)
    yield from listed(pod, "spec", "initContainers")
    yield from listed(pod, "spec", "containers")
