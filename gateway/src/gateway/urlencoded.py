"""Bodies of HTML forms and of OAuth: application/x-www-form-urlencoded."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request

from gateway.errors import Refusal

MOST_FIELDS = 50
_TYPE = "application/x-www-form-urlencoded"


def form_body(fields: Sequence[str], example: Mapping[str, str]) -> Mapping[str, Any]:
    """For the OpenAPI document."""
    schema = {"type": "object", "properties": {name: {"type": "string"} for name in fields}}
    return {"required": True, "content": {_TYPE: {"schema": schema, "example": dict(example)}}}


async def read_fields(request: Request) -> list[tuple[str, str]]:
    """As they came, duplicates and all. Raises Refusal 400, 415."""
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise Refusal(415, "UNSUPPORTED_MEDIA_TYPE", f"The body must be {_TYPE}", headers={"Accept-Post": _TYPE})
    try:
        text = (await request.body()).decode("ascii")
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=MOST_FIELDS)
    except ValueError:
        raise Refusal(400, "BAD_FORM", "The body is not a form") from None
