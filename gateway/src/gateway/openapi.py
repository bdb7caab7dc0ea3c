"""The OpenAPI 3.1 document, written from the endpoints as declared."""

import json
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from gateway.examples import EXAMPLES
from gateway.routing import Auth, Endpoint
from gateway.schemas import answers

_REF = "#/components/schemas/{name}"
_COME_BACK = (429, 503)
_ALWAYS = (400, 422, 429, 500, 503, 504)
_DESCRIPTION = """\
Share photographs and videos. Ids are strings, times RFC 3339 in UTC. Lists are `{items, next}`: pass `next` as `cursor`
for the following page. Failures are problem documents (RFC 9457); match on `reason`. Every POST takes an
`Idempotency-Key`, save those that answer with tokens.
"""
_SECURITY_SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "bearerFormat": "JWT",
        "description": "The access token of `logIn` or `refreshSession`.",
    }
}
_FILES = ("image/webp", "image/jpeg", "video/mp4", "application/octet-stream")
_COMMON_HEADERS = {
    "X-Request-Id": "Names this answer in the logs",
    "RateLimit-Policy": "Quotas that count this request",
    "RateLimit": "What is left of them",
}


def document(app: FastAPI, endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    written = get_openapi(
        title="Heliograph", version="1.0.0", description=_DESCRIPTION, routes=app.routes, openapi_version="3.1.0"
    )
    components = written.setdefault("components", {})
    for name in ("HTTPValidationError", "ValidationError"):
        components.get("schemas", {}).pop(name, None)
    components.setdefault("schemas", {}).update(_schemas(endpoints))
    components["securitySchemes"] = _SECURITY_SCHEMES
    told = {**_COMMON_HEADERS, "Retry-After": "Seconds after which to come back"}
    components["headers"] = {name: _header(text) for name, text in told.items()}
    return json.loads(json.dumps(written, sort_keys=True))


def documented(endpoint: Endpoint) -> dict[str, Any]:
    """What FastAPI is told of a route beyond its parameters and body."""
    return {"responses": _responses(endpoint), "openapi_extra": _extra(endpoint), "response_description": "Done"}


def _schemas(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    told = (kind for endpoint in endpoints for kind in (endpoint.answers, *endpoint.others.values()))
    kinds = {kind for kind in told if _is_struct(kind)} | {answers.Problem}
    _, found = msgspec.json.schema_components(sorted(kinds, key=lambda kind: kind.__name__), ref_template=_REF)
    for name, example in EXAMPLES.items():
        found[name]["examples"] = [example]
    return found


def _responses(endpoint: Endpoint) -> dict[int | str, dict[str, Any]]:
    success: dict[str, Any] = {"description": endpoint.summary, "headers": _headers(endpoint)}
    if endpoint.answers is not None:
        success["content"] = _content(endpoint.answers)
    found: dict[int | str, dict[str, Any]] = {endpoint.status: success}
    for status, kind in endpoint.others.items():
        content = {"content": _content(kind)} if kind is not None else {}
        bare = {name: value for name, value in success.items() if name != "content"}
        found[status] = {**bare, "description": HTTPStatus(status).phrase, **content}
    if endpoint.etag and endpoint.method == "GET":
        found[304] = {"description": "Not changed since the answer that If-None-Match names"}
    for status in sorted({*_ALWAYS, *endpoint.problems, *_implied(endpoint)}):
        told = _problem(status)
        if status in endpoint.others:  # in words of its own; a problem where it does not come that far
            told["content"] |= found[status].get("content", {})
        found[status] = told
    return found


def _content(answered: Any) -> dict[str, Any]:
    if _is_struct(answered):
        return {"application/json": {"schema": {"$ref": _REF.format(name=answered.__name__)}}}
    kinds: Mapping[Any, tuple[Sequence[str], dict[str, Any]]] = {
        bytes: (_FILES, {}),
        str: (["text/html"], {"type": "string"}),
        dict: (["application/json"], {"type": "object"}),
    }
    media_types, schema = kinds[answered]
    return {media_type: {"schema": schema} for media_type in media_types}


def _implied(endpoint: Endpoint) -> list[int]:
    policy, implied = endpoint.policy, list[int]()
    if policy.auth is not Auth.OPEN:
        implied += [401, 403]
    if policy.json or policy.multipart or policy.form:
        implied += [408, 413, 415]
    if policy.once:
        implied.append(409)
    if "{" in endpoint.path:
        implied.append(404)
    return implied


def _problem(status: int) -> dict[str, Any]:
    content = {"application/problem+json": {"schema": {"$ref": _REF.format(name="Problem")}}}
    found: dict[str, Any] = {"description": HTTPStatus(status).phrase, "content": content}
    if status in _COME_BACK:
        found["headers"] = {"Retry-After": {"$ref": "#/components/headers/Retry-After"}}
    return found


def _headers(endpoint: Endpoint) -> dict[str, Any]:
    headers: dict[str, Any] = {name: {"$ref": f"#/components/headers/{name}"} for name in _COMMON_HEADERS}
    if endpoint.etag:
        headers["ETag"] = _header("Of this answer, for If-None-Match and If-Match")
    return headers


def _header(text: str) -> dict[str, Any]:
    return {"description": text, "schema": {"type": "string"}}


def _extra(endpoint: Endpoint) -> dict[str, Any]:
    extra: dict[str, Any] = {"security": _security(endpoint)}
    if named := list(_header_parameters(endpoint)):
        extra["parameters"] = named
    if endpoint.policy.multipart or endpoint.policy.form:
        extra["requestBody"] = endpoint.policy.body or _UPLOAD_BODY
    return extra


def _security(endpoint: Endpoint) -> list[dict[str, list[str]]]:
    token = {"bearer": [endpoint.policy.scope]}
    return {Auth.OPEN: [], Auth.OPTIONAL: [{}, token], Auth.REQUIRED: [token]}[endpoint.policy.auth]


def _header_parameters(endpoint: Endpoint) -> Iterator[dict[str, Any]]:
    if endpoint.policy.once:
        yield _parameter("Idempotency-Key", "The same key and body are answered the same for 24 hours", 255)
    if endpoint.etag and endpoint.method == "GET":
        yield _parameter("If-None-Match", "ETag of the answer that is there already")
    if 412 in endpoint.problems:
        yield _parameter("If-Match", "ETag of what is to be changed")


def _parameter(name: str, text: str, longest: int | None = None) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string"} | ({"minLength": 1, "maxLength": longest} if longest else {})
    return {"name": name, "in": "header", "required": False, "description": text, "schema": schema}


def _is_struct(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)


_UPLOAD_BODY = {
    "required": True,
    "content": {
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {
                    "kind": {"type": "string", "enum": ["image", "video"]},
                    "alt_text": {"type": "string"},
                    "file": {"type": "string", "contentMediaType": "application/octet-stream"},
                },
            },
            "example": {"kind": "image", "alt_text": "A hill at dusk", "file": "(the bytes)"},
        }
    },
}
