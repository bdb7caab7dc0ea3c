"""Pictures of accounts: what they may be sent as, and where they are."""

from typing import Annotated, Any

from pydantic import Field

from gateway.schemas.requests import Body, Finite

MAX_BYTES = 10 << 20
MAX_BODY_BYTES = MAX_BYTES + (64 << 10)
"""With what a form has around the file."""
TYPES = ("image/jpeg", "image/png", "image/webp", "image/gif")

Share = Annotated[Finite, Field(ge=0, le=1)]


class Focus(Body):
    """What the square is cut around, from the left and from the top."""

    focal_x: Share = 0.5
    focal_y: Share = 0.5


_BYTES: dict[str, Any] = {"type": "string", "contentMediaType": "application/octet-stream"}
_SHARE: dict[str, Any] = {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5}

BODY: dict[str, Any] = {
    "required": True,
    "content": {
        **{kind: {"schema": {"type": "string", "contentMediaType": kind}, "example": "(the bytes)"} for kind in TYPES},
        "multipart/form-data": {
            "schema": {
                "type": "object",
                "required": ["file"],
                "properties": {"focal_x": _SHARE, "focal_y": _SHARE, "file": _BYTES},
            },
            "example": {"focal_x": 0.5, "focal_y": 0.3, "file": "(the bytes)"},
        },
    },
}
