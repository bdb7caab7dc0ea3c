"""What the charts are: their facts, and their files as they should be."""

import json
from dataclasses import dataclass
from typing import Any, cast

import yaml

from deploy.k8s.values import schema
from deploy.k8s.values.settings import other_settings
from deploy.k8s.values.shapes import ANY, closed
from deploy.k8s.values.text import HERE, Keys, emptied, indented, joined, parsed, source

K8S = HERE.parent
SERVICES = ("gateway", "user", "graph", "post", "feed", "notify", "search")
COMMON, UMBRELLA = "heliograph-common", "heliograph"

_STORES = ("postgres", "kafka", "cassandra", "elasticsearch", "s3", "redis")
_OWN_ONLY = {("image", "digest"), ("certificates", "existingSecret")}
_LIBRARY = {COMMON: closed(**{"global": {"type": "object"}})}


@dataclass(frozen=True)
class Facts:
    """A chart's service.yaml."""

    service: str
    told: dict[str, Any]

    @property
    def stores(self) -> set[str]:
        return {store for process in self.told["processes"].values() for store in process["stores"]}

    @property
    def calls(self) -> set[str]:
        return {peer for process in self.told["processes"].values() for peer in process["calls"]}

    def has(self, path: Keys) -> bool:
        """Whether a value that is shared means anything to this service."""
        match path:
            case (store, *_) if store in _STORES:
                return store in self.stores
            case ("peers", peer, *_):
                return peer in self.calls
            case ("networkPolicy", "egress", "smtp"):
                return self.service == "user"
            case ("networkPolicy", "egress", store) if store != "otlp":
                return store in self.stores
            case ("migrations", *_):
                return "migrate" in self.told
            case ("keda", *_):
                return any("consumes" in process for process in self.told["processes"].values())
            case ("publicUrl" | "mediaUrl" as url, *_):
                return f".{url}" in str(self.told.get("derived"))
            case _:
                return True


def facts_of(service: str) -> Facts:
    return Facts(service, yaml.safe_load((K8S / f"heliograph-{service}" / "service.yaml").read_text()))


def own_text(facts: Facts) -> str:
    """What only this chart has."""
    secret = f"heliograph-{facts.service}" if facts.told["required"] else '""'
    parts = [source("own").replace("heliograph-SERVICE", secret)]
    if facts.service != "gateway":
        parts.append(source("grpc"))
    if (HERE / f"{facts.service}.yaml").exists():
        parts.append(source(facts.service))
    return joined(parts)


def values_of(facts: Facts) -> str:
    shared = emptied(source("shared"), facts.has)
    pods = emptied(source("pods"), facts.has)
    words = "any of the values from `replicas` on"
    processes = "".join(f"  # -- For `{name}` alone: {words}\n  {name}: {{}}\n" for name in facts.told["processes"])
    head = (
        f"# Values of heliograph-{facts.service}. What is empty here is as `global` says, and if that says nothing,\n"
        "# as the default in the README. Written by `make charts-values`.\n"
    )
    return joined([head, own_text(facts), shared, pods, f"processes:\n{processes}"])


def schema_of(facts: Facts) -> str:
    shared, pods = _pruned(parsed("shared"), facts), _pruned(parsed("pods"), facts)
    own = yaml.safe_load(own_text(facts)) | {"settings": {}}
    made = schema.of({**shared, **pods, **own})
    made["properties"] |= {
        "settings": closed(**other_settings(facts.service)),
        "processes": closed(**{name: {"$ref": "#/definitions/pods"} for name in facts.told["processes"]}),
        "global": {"$ref": "#/definitions/global"},
        **_LIBRARY,
    }
    definitions = {"pods": schema.of(pods), "global": global_schema()}
    return _json({"$schema": schema.DRAFT, **made, "definitions": definitions})


def global_schema() -> schema.Schema:
    shared = _pruned(parsed("shared"), None)
    return schema.of({**shared, **parsed("pods")})


def umbrella_values() -> str:
    every = joined([emptied(source(name), lambda path: path not in _OWN_ONLY) for name in ("shared", "pods")])
    head = (
        "# Values of heliograph: `global` is for all services; below the name of a service are the values of its\n"
        "# chart, which go before. Written by `make charts-values`.\n"
    )
    services = "".join(f"# -- Values of heliograph-{name}\n{name}: {{}}\n" for name in SERVICES)
    return joined([head, f"global:\n{indented(every)}", services, source("umbrella")])


def umbrella_schema() -> str:
    made = schema.of(parsed("umbrella"))
    # Each chart's own schema judges what is below its name.
    made["properties"] |= dict.fromkeys(SERVICES, ANY) | {"global": global_schema()} | _LIBRARY
    return _json({"$schema": schema.DRAFT, **made})


def library_defaults() -> str:
    told = joined([source("shared"), source("pods")])
    code = "\n".join(line for line in told.splitlines() if line.strip() and not line.lstrip().startswith("#"))
    head = "{{/* Written by `make charts-values` from deploy/k8s/values. */}}"
    return f'{head}\n{{{{- define "heliograph-common.defaults" -}}}}\n{code}\n{{{{- end -}}}}\n'


def _pruned(values: dict[str, Any], facts: Facts | None, at: Keys = ()) -> dict[str, Any]:
    """Without what a service does not know; of `global`, without what is each service's own."""
    kept: dict[str, Any] = {}
    for key, value in values.items():
        path = (*at, key)
        if facts.has(path) if facts else path not in _OWN_ONLY:
            inner = isinstance(value, dict) and path not in schema.TOLD
            kept[key] = _pruned(cast("dict[str, Any]", value), facts, path) if inner else value
    return kept


def _json(value: object) -> str:
    return json.dumps(value, indent=1, sort_keys=True) + "\n"
