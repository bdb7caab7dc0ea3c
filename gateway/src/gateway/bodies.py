"""Reading a request's body, with bounds on what it may cost."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request

from gateway.errors import Refusal

_DEEPEST_JSON = 32
_MOST_VALUES = 2000
BODY_SECONDS = 30.0


async def read_body(request: Request) -> bytes:
    """Raises Refusal 408."""
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await request.body()
    except TimeoutError:
        raise Refusal(408, "BODY_TOO_SLOW", "the body did not arrive in time") from None


def read_json(request: Request, body: bytes) -> Any:
    """The body's JSON value. Raises Refusal 400, 415."""
    content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if content_type != "application/json" and not (
        content_type.startswith("application/") and content_type.endswith("+json")
    ):
        raise Refusal(415, "UNSUPPORTED_MEDIA_TYPE", "the body must be application/json", headers=_accepted(request))
    try:
        value = msgspec.json.decode(body)
        _check_shape(value)
        return value
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError):
        raise Refusal(400, "BAD_JSON", "the body is not JSON") from None


def _accepted(request: Request) -> dict[str, str]:
    return {f"Accept-{request.method.title()}": "application/json"} if request.method in ("POST", "PATCH") else {}


def _check_shape(value: Any) -> None:
    """Raises Refusal 400 for what no route asks for, before anything looks at each value."""
    layer, values = [value], 0
    for _ in range(_DEEPEST_JSON):
        layer = [child for parent in layer for child in _children(parent)]
        values += len(layer)
        if not layer:
            return
        if values > _MOST_VALUES:
            raise Refusal(400, "BAD_JSON", f"the body holds more than {_MOST_VALUES} values")
    raise Refusal(400, "BAD_JSON", f"the body is nested more than {_DEEPEST_JSON} levels deep")


def _children(value: Any) -> Sequence[Any]:
    if isinstance(value, dict):
        return list(value.values())  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType] any JSON
    return value if isinstance(value, list) else ()  # pyright: ignore[reportUnknownVariableType] any JSON
