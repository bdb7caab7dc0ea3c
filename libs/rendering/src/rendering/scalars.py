"""Kinds of strings that answers are made of: decimal ids, times in RFC 3339, addresses."""

from typing import Annotated

from msgspec import Meta

Id = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,18}$", examples=["116045278314958848"])]
Time = Annotated[str, Meta(extra_json_schema={"format": "date-time"}, examples=["2026-06-21T19:30:00.000Z"])]
Url = Annotated[str, Meta(extra_json_schema={"format": "uri"})]
