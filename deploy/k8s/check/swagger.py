"""Closed JSON schemas from Kubernetes' own API description (swagger.json of its module)."""

import re
from collections.abc import Iterator
from typing import Any, cast

Schema = dict[str, Any]
_PREFIX = "#/definitions/"
_SCALARS: dict[str, Schema] = {
    "io.k8s.apimachinery.pkg.api.resource.Quantity": {"type": ["string", "number"]},
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": {"type": ["string", "integer"]},
}
_DROPPED = re.compile(r"^(x-.*|description|default|properties)$")
_NOT_APPLIED = {"DeleteOptions", "WatchEvent", "Status", "APIGroup", "APIResourceList", "APIVersions"}


def schemas(document: Schema) -> Iterator[tuple[str, Schema]]:
    """(path, schema) of every kind that somebody may apply; each schema carries what it refers to."""
    told = cast("dict[str, Schema]", document["definitions"])
    closed = {name: _SCALARS.get(name) or close(schema) for name, schema in told.items()}
    for name, schema in told.items():
        for kind in schema.get("x-kubernetes-group-version-kind", []):
            if not kind["kind"].endswith("List") and kind["kind"] not in _NOT_APPLIED:
                group = kind["group"] or kind["version"]
                needed = {each: closed[each] for each in _reachable(name, closed)}
                path = f"{group}/{kind['kind'].lower()}_{kind['version']}.json"
                yield path, {"$ref": _PREFIX + name, "definitions": needed}


def close(schema: Any) -> Any:
    """Without texts and extensions; objects with named fields take no others."""
    if isinstance(schema, list):
        return [close(each) for each in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    told = cast("Schema", schema)
    if "$ref" in told:
        return {"$ref": told["$ref"]}
    fields = cast("Schema | None", told.get("properties"))
    found = {key: close(value) for key, value in told.items() if not _DROPPED.match(key)}
    if fields is not None:
        found["properties"] = {name: close(field) for name, field in fields.items()}
        found.setdefault("additionalProperties", False)
    return found


def _reachable(name: str, definitions: dict[str, Schema]) -> list[str]:
    seen: list[str] = []
    waiting = [name]
    while waiting:
        at = waiting.pop()
        if at not in seen:
            seen.append(at)
            waiting += _references(definitions[at])
    return seen


def _references(schema: Any) -> Iterator[str]:
    if isinstance(schema, dict):
        for key, value in cast("Schema", schema).items():
            if key == "$ref" and isinstance(value, str):
                yield value.removeprefix(_PREFIX)
            else:
                yield from _references(value)
    elif isinstance(schema, list):
        for each in cast("list[Any]", schema):
            yield from _references(each)
