"""What clients send and see of suggestions and mutes."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Self

from msgspec import Meta, Struct
from pydantic import BeforeValidator, ConfigDict, Field, WithJsonSchema, model_validator

from gateway.schemas.answers import User
from gateway.schemas.lists import Next
from gateway.schemas.requests import Body, Int64

_RFC_3339 = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_YEARS = range(1971, 9999)  # in any zone a time that every program can hold


def _read_time(value: Any) -> datetime:
    if isinstance(value, str) and _RFC_3339.fullmatch(value):
        moment = datetime.fromisoformat(value.upper())
        if moment.year in _YEARS:
            return moment.astimezone(UTC)
    raise ValueError("not a time of RFC 3339")


_TIME_SCHEMA = WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-06-21T19:30:00.000Z"]})
Moment = Annotated[datetime, BeforeValidator(_read_time), _TIME_SCHEMA]


class Mute(Body):
    """When the mute ends by itself: after so many seconds, or at a time. With neither, it does not."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"seconds": 28_800}]})

    seconds: Annotated[Int64 | None, Field(description="At most five years")] = None
    until: Moment | None = None

    @model_validator(mode="after")
    def one_end(self) -> Self:
        if self.seconds is not None and self.until is not None:
            raise ValueError("either seconds or until")
        return self


class Suggestion(Struct, frozen=True):
    """`mutual` are some of the `mutual_count` accounts that the caller follows and that follow `user`."""

    user: User
    mutual: list[User]
    mutual_count: Annotated[int, Meta(description="Among the newest 150 whom the caller follows")]


class Suggestions(Struct, frozen=True):
    items: list[Suggestion]
    next: Next
