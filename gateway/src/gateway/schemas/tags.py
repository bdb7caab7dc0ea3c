"""Tags as clients see them."""

from typing import Annotated

from msgspec import Meta, Struct

from gateway.schemas.lists import Next


class TagPage(Struct, frozen=True):
    """`name` is lower-case and without "#", however the tag was asked for."""

    name: str
    posts: Annotated[int | None, Meta(description="Public posts with it; null while they cannot be counted")]
    following: bool


class FollowedTag(Struct, frozen=True):
    name: str


class FollowedTags(Struct, frozen=True):
    items: list[FollowedTag]
    next: Next
