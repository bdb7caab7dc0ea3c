"""The servers for trying against those of deploy/compose.yaml: the same images, told the same."""

from collections.abc import Iterator, Sequence
from typing import Any

from deploy.k8s.check.documents import Document, listed, mapped, pod_of, read
from deploy.k8s.check.shell import ROOT

COMPOSE = ROOT / "deploy" / "compose.yaml"


def faults(documents: Sequence[Document]) -> Iterator[str]:
    services = mapped(read(COMPOSE), "services")
    sets = {each["metadata"]["name"]: each for each in documents if each["kind"] == "StatefulSet"}
    for name, ours in sets.items():
        if name not in services:
            yield f"{name} is no server of deploy/compose.yaml"
            continue
        container, theirs = listed(pod_of(ours), "spec", "containers")[0], mapped(services, name)
        for what, here, there in _pairs(container, theirs):
            if here != there:
                yield f"{name}: {what} is {here}, deploy/compose.yaml says {there}"


def _pairs(container: Document, theirs: Document) -> Iterator[tuple[str, Any, Any]]:
    """Compose writes $ as $$, and `entrypoint` for what Kubernetes calls `command`."""
    yield "the image", container["image"], theirs["image"]
    yield "the environment", _environment(container), {key: _text(value) for key, value in _told(theirs).items()}
    yield "the command", container.get("command", []), [_text(word) for word in listed(theirs, "entrypoint")]
    yield "the arguments", container.get("args", []), [_text(word) for word in listed(theirs, "command")]


def _environment(container: Document) -> dict[str, str]:
    return {each["name"]: each["value"] for each in listed(container, "env")}


def _told(theirs: Document) -> Document:
    return mapped(theirs, "environment")


def _text(value: object) -> str:
    return str(value).replace("$$", "$")
