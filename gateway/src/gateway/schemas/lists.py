"""Pages of lists as clients see them."""

from typing import Annotated

from msgspec import Meta, Struct

from gateway.schemas.answers import Comment, Found, Notification, Post, Profile, Relationship, Session, User

Next = Annotated[str | None, Meta(description="Cursor of the next page, null at the end")]


class Users(Struct, frozen=True):
    items: list[User]
    next: Next


class Profiles(Struct, frozen=True):
    items: list[Profile]
    next: Next


class Sessions(Struct, frozen=True):
    items: list[Session]
    next: Next


class Relationships(Struct, frozen=True):
    items: list[Relationship]
    next: Next


class Posts(Struct, frozen=True):
    items: list[Post]
    next: Next


class Feed(Struct, frozen=True):
    """`degraded`: pulled from the authors' posts, because the timelines cannot be read."""

    items: list[Post]
    next: Next
    degraded: bool


class Comments(Struct, frozen=True):
    items: list[Comment]
    next: Next


class Notifications(Struct, frozen=True):
    items: list[Notification]
    next: Next


class Results(Struct, frozen=True):
    items: list[Found]
    next: Next
