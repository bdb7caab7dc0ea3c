"""Closed JSON schemas from CustomResourceDefinitions."""

from collections.abc import Iterator
from typing import Any, cast

Schema = dict[str, Any]
_DROPPED = ("description", "default", "example", "nullable", "properties")


def schemas(document: Any) -> Iterator[tuple[str, Schema]]:
    """(path, schema) of every served version; nothing for other documents."""
    told = cast("Schema", document or {})
    if told.get("kind") != "CustomResourceDefinition":
        return
    spec = told["spec"]
    for version in spec["versions"]:
        path = f"{spec['group']}/{spec['names']['kind'].lower()}_{version['name']}.json"
        yield path, _with_header(close(version["schema"]["openAPIV3Schema"]))


def _with_header(schema: Schema) -> Schema:
    header: Schema = {"apiVersion": {"type": "string"}, "kind": {"type": "string"}, "metadata": {"type": "object"}}
    return schema | {"properties": header | cast("Schema", schema.get("properties", {}))}


def close(schema: Any) -> Any:
    """As JSON schema has it: null and either-or as types, and no unknown fields but where the definition keeps them."""
    if isinstance(schema, list):
        return [close(each) for each in cast("list[Any]", schema)]
    if not isinstance(schema, dict):
        return schema
    told = cast("Schema", schema)
    found = {key: close(value) for key, value in told.items() if not key.startswith("x-") and key not in _DROPPED}
    if told.get("x-kubernetes-int-or-string"):
        found = Schema(type=["integer", "string"])
    if isinstance(told.get("properties"), dict):
        fields = cast("Schema", told["properties"])
        found["properties"] = {name: close(field) for name, field in fields.items()}
        if "type" in told and not told.get("x-kubernetes-preserve-unknown-fields"):
            found.setdefault("additionalProperties", False)
    if told.get("nullable") and isinstance(found.get("type"), str):
        found["type"] = [found["type"], "null"]
    return found
