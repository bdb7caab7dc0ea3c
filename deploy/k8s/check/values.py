"""values.yaml and values.schema.json of a chart say the same: every value has a schema, and every schema a value."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, cast

from deploy.k8s.check.documents import Document, at, read

Path_ = tuple[str, ...]
_INHERITED = "global"  # helm gives it to every chart


def faults(chart: Path) -> list[str]:
    """What does not fit, a line each; nothing for a library, which has no values."""
    described = read(chart / "Chart.yaml")
    if described.get("type") == "library":
        return []
    schema_file = chart / "values.schema.json"
    if not schema_file.exists():
        return [f"{chart.name}: there is no values.schema.json"]
    schema = cast("Document", json.loads(schema_file.read_text()))
    others = {each.get("alias") or each["name"] for each in described.get("dependencies") or ()}
    found = list(_compare(read(chart / "values.yaml"), schema, schema, (), others | {_INHERITED}))
    return [f"{chart.name}: {line}" for line in found]


def _compare(values: Any, schema: Document, root: Document, path: Path_, others: set[str]) -> Iterator[str]:
    """`others` are keys that belong to charts below."""
    schema = _resolved(schema, root)
    fields = cast("dict[str, Document]", schema.get("properties") or {})
    if fields and schema.get("additionalProperties") is not False:
        yield f"{_text(path)} takes unknown keys: additionalProperties is not false"
    known = cast("Document", values) if isinstance(values, dict) else {}
    if fields and values != {}:  # an empty map is one to be filled in
        for name in sorted(set(fields) - set(known) - others):
            yield f"{_text((*path, name))} is in the schema and not in values.yaml"
    for name, value in known.items():
        if name not in others:
            yield from _one(value, name, schema, root, path)


def _one(value: Any, name: str, schema: Document, root: Document, path: Path_) -> Iterator[str]:
    here = (*path, name)
    fields = cast("dict[str, Document]", schema.get("properties") or {})
    rest = schema.get("additionalProperties")
    if name in fields:
        yield from _compare(value, fields[name], root, here, set())
    elif isinstance(rest, dict):
        yield from _compare(value, cast("Document", rest), root, here, set())
    elif not fields and schema.get("type") == "object" and rest is True:
        return
    else:
        yield f"{_text(here)} is in values.yaml and not in the schema"


def _resolved(schema: Document, root: Document) -> Document:
    """With what it refers to or allows beside null."""
    if reference := schema.get("$ref"):
        target = at(root, *str(reference).removeprefix("#/").split("/"))
        if target is None:
            return {"properties": {f"({reference} is missing)": {}}, "additionalProperties": False}
        return _resolved(cast("Document", target), root)
    for word in ("anyOf", "oneOf"):
        choices = [_resolved(each, root) for each in cast("Sequence[Document]", schema.get(word) or ())]
        if objects := [each for each in choices if "object" in str(each.get("type")) or each.get("properties")]:
            return objects[0]
    return schema


def _text(path: Path_) -> str:
    return ".".join(path) or "the chart"
