"""The API's document as a plain page: no script, nothing fetched from elsewhere."""

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

CONTENT_SECURITY_POLICY = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'"

Json = Mapping[str, Any]

_METHODS = ("get", "post", "put", "patch", "delete")
_STYLE = """
:root { color-scheme: light dark; --line: #8886 } body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem;
margin: 2rem auto; padding: 0 1rem } code, pre { font: 0.875rem/1.45 ui-monospace, monospace }
pre { overflow: auto; padding: .75rem; border: 1px solid var(--line); border-radius: .4rem }
details { border: 1px solid var(--line); border-radius: .4rem; margin: .4rem 0; padding: .35rem .75rem }
summary { cursor: pointer } summary b { display: inline-block; width: 4.5rem } table { border-collapse: collapse }
td, th { text-align: left; padding: .2rem .8rem .2rem 0; vertical-align: top } h3 { margin: .8rem 0 .2rem }
"""


def page(document: Json) -> str:
    info = document["info"]
    body = "".join(_groups(document))
    schemas = "".join(
        _details(name, _code(schema)) for name, schema in sorted(document["components"]["schemas"].items())
    )
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        f"<title>{escape(info['title'])} API</title><style>{_STYLE}</style>"
        f"<h1>{escape(info['title'])} API {escape(info['version'])}</h1><p>{escape(info['description'])}</p>"
        f'<p><a href="/openapi.json">openapi.json</a></p>{body}<h2>Schemas</h2>{schemas}</html>'
    )


def _groups(document: Json) -> Iterator[str]:
    by_tag: dict[str, list[str]] = {}
    for path, operations in document["paths"].items():
        for method in _METHODS:
            if method in operations:
                operation = operations[method]
                by_tag.setdefault(operation["tags"][0], []).append(_operation(method, path, operation))
    for tag, found in by_tag.items():
        yield f"<h2>{escape(tag)}</h2>{''.join(found)}"


def _operation(method: str, path: str, operation: Json) -> str:
    head = f"<b>{method.upper()}</b> <code>{escape(path)}</code> {escape(operation['summary'])}"
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code><td>{escape(one['in'])}<td>{escape(one.get('description', ''))}"
        for one in operation.get("parameters", ())
    )
    parts = [f"<p><code>{escape(operation['operationId'])}</code>, {_security(operation)}</p>"]
    if rows:
        parts.append(f"<h3>Parameters</h3><table>{rows}</table>")
    if "requestBody" in operation:
        parts.append(f"<h3>Body</h3>{_code(operation['requestBody']['content'])}")
    parts.append(f"<h3>Answers</h3><table>{''.join(_answer(*one) for one in operation['responses'].items())}</table>")
    return f"<details><summary>{head}</summary>{''.join(parts)}</details>"


def _answer(status: str, response: Json) -> str:
    names = [schema.get("$ref", "").rpartition("/")[2] for schema in _schemas_of(response)]
    return f"<tr><td>{escape(status)}<td>{escape(response['description'])}<td><code>{escape(', '.join(names))}</code>"


def _schemas_of(response: Json) -> Iterator[Json]:
    for content in response.get("content", {}).values():
        yield content.get("schema", {})


def _security(operation: Json) -> str:
    schemes = operation.get("security", [])
    if not schemes:
        return "open to all"
    scopes = " ".join(scope for scheme in schemes for scope in scheme.get("bearer", ()))
    return f"access token with scope {escape(scopes)}" + (", or anonymous" if {} in schemes else "")


def _details(title: str, content: str) -> str:
    return f"<details><summary><code>{escape(title)}</code></summary>{content}</details>"


def _code(value: Any) -> str:
    return f"<pre>{escape(json.dumps(value, indent=2, ensure_ascii=False))}</pre>"
