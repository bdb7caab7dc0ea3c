"""Accounts, media and posts as clients see them. Ids are decimal strings, times RFC 3339 in UTC with milliseconds."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from rendering.scalars import Id, Time, Url

MediaKindName = Literal["image", "video"]
MediaStateName = Literal["waiting", "checking", "resizing", "transcoding", "ready", "refused"]
AudienceName = Literal["public", "followers", "close_friends"]


class AvatarVariant(Struct, frozen=True):
    """Square."""

    size: Annotated[int, Meta(description="Pixels of an edge")]
    webp: Url
    jpeg: Url


class Avatar(Struct, frozen=True):
    variants: Annotated[list[AvatarVariant], Meta(description="Largest first")]


class User(Struct, frozen=True):
    """An account as it appears beside its works. `avatar_url` is a JPEG of 320 pixels."""

    id: Id
    username: str
    name: str
    avatar_url: Url | None
    avatar: Avatar | None
    private_account: bool


class Variant(Struct, frozen=True):
    name: str
    url: Url
    width: int
    height: int
    bytes: int
    content_type: str


class FocalPoint(Struct, frozen=True):
    """0 to 1 from the left and from the top."""

    x: float
    y: float


class Media(Struct, frozen=True):
    """`reason` says why a medium was refused."""

    id: Id
    kind: MediaKindName
    state: MediaStateName
    reason: str | None
    blurhash: str | None
    alt_text: str
    focal_point: FocalPoint
    width: int
    height: int
    variants: list[Variant]
    created_at: Time | None


class Location(Struct, frozen=True):
    name: str
    lat: float
    lon: float


class Mention(Struct, frozen=True):
    id: Id
    username: str


class PostCounts(Struct, frozen=True):
    likes: int
    comments: int


class ViewerState(Struct, frozen=True):
    liked: bool
    saved: bool


class Post(Struct, frozen=True):
    """`published` is false while media is being processed: only the author sees the post then."""

    # In this order: what changes often, or differs from one viewer to the next, comes after what can be kept as bytes.
    id: Id
    author: User
    title: str
    caption: str
    media: list[Media]
    location: Location | None
    tags: list[str]
    audience: AudienceName
    comments_off: bool
    published: bool
    created_at: Time | None
    edited_at: Time | None
    mentions: list[Mention]
    counts: PostCounts
    viewer: ViewerState
