"""The charts against the code: the processes there are, the settings that each knows and needs, the topics."""

import importlib
from collections.abc import Iterator, Mapping, Sequence

from devstack.processes import MAIL, TABLE, Process
from kit.settings import PREFIX, SECRETS_DIR
from pydantic import SecretStr
from pydantic_settings import BaseSettings

from deploy.k8s.check.documents import Document, at, containers, listed, mapped, name_of, pod_of, read
from deploy.k8s.check.shell import ROOT

COMPONENT, NAME = "app.kubernetes.io/component", "app.kubernetes.io/name"
OPERATORS = "helio"  # a place, no process of the system
PROCESSES = tuple(process for process in TABLE if process.service != MAIL)
_SETTINGS = {
    "user": "UserSettings",
    "user-worker": "WorkerSettings",
    "graph": "GraphSettings",
    "post": "PostSettings",
    "media": "MediaSettings",
    "feed": "ServeSettings",
    "fanout": "FanoutSettings",
    "notify": "NotifySettings",
    "push": "PushSettings",
    "search": "SearchSettings",
    "index": "IndexSettings",
    "gateway": "GatewaySettings",
    "gateway-upload": "GatewaySettings",
}


def settings_of(process: Process) -> type[BaseSettings]:
    """What the process reads."""
    return getattr(_module(process), _SETTINGS[process.name])


def known(service: str) -> set[str]:
    """Every setting that some command of the service reads, in lower case and without the prefix."""
    module = _module(next(each for each in PROCESSES if each.service == service))
    classes = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, BaseSettings)]
    return {field for each in classes for field in each.model_fields}


def _module(process: Process) -> object:
    return importlib.import_module(f"{process.module}.settings")


def processes(documents: Sequence[Document]) -> Iterator[str]:
    """Each process has a Deployment that runs what devstack.processes runs, and no Deployment runs anything else."""
    found = {component(each): each for each in deployments(documents) if component(each) != OPERATORS}
    for process in PROCESSES:
        if deployment := found.pop(process.name, None):
            told = list(at(pod_of(deployment), "spec", "containers")[0].get("args") or ())
            if told != [process.module, *process.arguments]:
                yield f"{process.name} runs {told}, not {[process.module, *process.arguments]}"
        else:
            yield f"no Deployment has the label {COMPONENT}: {process.name}"
    yield from (f"{name_of(each)} is no process of devstack.processes" for each in found.values())


def settings(documents: Sequence[Document]) -> Iterator[str]:
    """Workloads are told what their service knows, nothing secret in the open, and all that a process needs."""
    maps = {name_of(each): each for each in documents if each["kind"] == "ConfigMap"}
    for document in documents:
        service = at(pod_of(document), "metadata", "labels", NAME)
        if service in {process.service for process in PROCESSES}:
            for container in containers(document):
                yield from _told(document, service, environment(container, maps))
    for deployment in deployments(documents):
        if process := next((each for each in PROCESSES if each.name == component(deployment)), None):
            told = environment(next(iter(at(pod_of(deployment), "spec", "containers"))), maps)
            yield from _needed(process, told)


def _told(document: Document, service: str, told: Mapping[str, str]) -> Iterator[str]:
    knows, secret = known(service), secrets_of(service)
    for variable in told:
        name = variable.removeprefix(PREFIX).lower()
        if variable == SECRETS_DIR or not variable.startswith(PREFIX):
            continue
        if name not in knows:
            yield f"{name_of(document)}: the {service} service knows no {variable}"
        if name in secret:
            yield f"{name_of(document)}: {variable} is a secret and must be a file"


def _needed(process: Process, told: Mapping[str, str]) -> Iterator[str]:
    for name, field in settings_of(process).model_fields.items():
        if field.is_required() and name not in secrets_of(process.service) and PREFIX + name.upper() not in told:
            yield f"{process.name} needs {PREFIX}{name.upper()}"


def secrets_of(service: str) -> set[str]:
    """The settings that are secret: in files alone."""
    module = _module(next(each for each in PROCESSES if each.service == service))
    classes = [each for each in vars(module).values() if isinstance(each, type) and issubclass(each, BaseSettings)]
    fields = {name: field for each in classes for name, field in each.model_fields.items()}
    return {name for name, field in fields.items() if _is_secret(field.annotation)}


def required_secrets(process: Process) -> set[str]:
    """Without which it does not start."""
    fields = settings_of(process).model_fields.items()
    return {name for name, field in fields if field.is_required() and _is_secret(field.annotation)}


def _is_secret(annotation: object) -> bool:
    return SecretStr.__name__ in str(annotation)


def keys(documents: Sequence[Document]) -> Iterator[str]:
    """Secrets that charts make or mount item by item hold settings of their service under the names of files."""
    for document in documents:
        service = at(document, "metadata", "labels", NAME) or ""
        names, prefix = _secret_names(document, service), PREFIX.lower()
        for key in _keys(document):
            if key.startswith(prefix) and key.removeprefix(prefix) not in names:
                yield f"{name_of(document)}: no service knows the secret {key}"


def _secret_names(document: Document, service: str) -> set[str]:
    of = document["metadata"]["name"].removeprefix("heliograph-") if document["kind"] == "Secret" else service
    services = {process.service for process in PROCESSES}
    return known(of) if of in services else {name for each in services for name in known(each)}


def _keys(document: Document) -> list[str]:
    if document["kind"] == "Secret":
        return [*mapped(document, "stringData"), *mapped(document, "data")]
    volumes = listed(pod_of(document), "spec", "volumes")
    sources = [*volumes, *(each for volume in volumes for each in listed(volume, "projected", "sources"))]
    return [item.get("path", item["key"]) for source in sources for item in listed(source, "secret", "items")]


def environment(container: Document, maps: Mapping[str, Document]) -> dict[str, str]:
    """By value or by name of where the value is."""
    told: dict[str, str] = {}
    for source in listed(container, "envFrom"):
        named = at(source, "configMapRef", "name")
        told |= mapped(maps.get(f"ConfigMap/{named}"), "data")
    return told | {each["name"]: str(each.get("value", "")) for each in listed(container, "env")}


def deployments(documents: Sequence[Document]) -> list[Document]:
    return [each for each in documents if each["kind"] == "Deployment" and component(each)]


def component(document: Document) -> str:
    return at(document, "metadata", "labels", COMPONENT) or ""


def partitions() -> dict[str, int]:
    """Of every topic in deploy/topics.yaml."""
    return {each["name"]: each["partitions"] for each in read(ROOT / "deploy/topics.yaml")["topics"]}
