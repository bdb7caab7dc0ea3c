"""Each chart's service.yaml, what no value changes, against the code: calls, secrets, and who reads which topic."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from deploy.k8s.check.charts import SERVICES
from deploy.k8s.check.documents import Document, listed, mapped, read
from deploy.k8s.check.peers import calls
from deploy.k8s.check.shell import K8S, ROOT
from deploy.k8s.check.truth import OPERATORS, PROCESSES, required_secrets, secrets_of, settings_of

DEAD = ".dlq"
PREFIX = "heliograph."


def faults() -> Iterator[str]:
    for service in SERVICES:
        told = read(K8S / f"heliograph-{service}" / "service.yaml")
        for line in (*_secrets(service, told), *_processes(service, told), *_topics(told)):
            yield f"heliograph-{service}/service.yaml: {line}"


def _secrets(service: str, told: Document) -> Iterator[str]:
    """`required` are the secrets without a default; `optional` are further settings that may be files."""
    ours = [process for process in PROCESSES if process.service == service]
    needed = {name for process in ours for name in required_secrets(process)}
    if set(told["required"]) != needed:
        yield f"required is {sorted(told['required'])}, the code says {sorted(needed)}"
    for name in sorted(secrets_of(service) - needed - set(told["optional"])):
        yield f"optional lacks {name}"
    known = {name for process in ours for name in settings_of(process).model_fields}
    for name in sorted(set(told["optional"]) - known):
        yield f"optional names {name}, which the service does not know"


def _processes(service: str, told: Document) -> Iterator[str]:
    for name, facts in mapped(told, "processes").items():
        wanted = calls().get(name, set())
        if set(facts["calls"]) != wanted:
            yield f"{name} calls {sorted(facts['calls'])}, the code says {sorted(wanted)}"
        if "callers" in facts:
            callers = {process.service for process in PROCESSES if service in calls()[process.name]} | {OPERATORS}
            if set(facts["callers"]) != callers:
                yield f"{name} is called by {sorted(facts['callers'])}, the code says {sorted(callers)}"


def _topics(told: Document) -> Iterator[str]:
    """Every group of a worker has a dead letter topic in deploy/topics.yaml, which names its topic."""
    there = reading(ROOT / "deploy/topics.yaml")
    for name, facts in mapped(told, "processes").items():
        for each in listed(facts, "consumes"):
            if each["topic"] not in there.get(each["group"], set()):
                yield f"{name}: {each['group']} does not read {each['topic']}, says deploy/topics.yaml"
    groups = {each["group"] for facts in mapped(told, "processes").values() for each in listed(facts, "consumes")}
    for group in sorted(groups):
        have = {each["topic"] for each in _consumed(mapped(told, "processes")) if each["group"] == group}
        if missing := there.get(group, set()) - have:
            yield f"{group} also reads {sorted(missing)}, says deploy/topics.yaml"


def _consumed(processes: Mapping[str, Any]) -> Iterator[Document]:
    for facts in processes.values():
        yield from listed(facts, "consumes")


def reading(file: Path) -> dict[str, set[str]]:
    """Topics by group, by the names of dead letter topics: heliograph.<topic>.<service>.<group's name>.dlq."""
    found: dict[str, set[str]] = {}
    for each in read(file)["topics"]:
        if each["name"].endswith(DEAD):
            words = each["name"].removeprefix(PREFIX).removesuffix(DEAD).split(".")
            found.setdefault(".".join(words[-2:]), set()).add(".".join(words[:-2]))
    return found
