"""Answers as clients see them. Ids are decimal strings, times RFC 3339 in UTC with milliseconds."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from rendering.scalars import Id as Id
from rendering.scalars import Time as Time
from rendering.scalars import Url as Url
from rendering.shapes import Avatar as Avatar
from rendering.shapes import Media as Media
from rendering.shapes import Mention as Mention
from rendering.shapes import Post as Post
from rendering.shapes import PostCounts as PostCounts
from rendering.shapes import User as User
from rendering.shapes import ViewerState as ViewerState

NotificationKindName = Literal["follow", "follow_request", "like", "comment", "reply", "mention"]


class FieldError(Struct, frozen=True):
    pointer: Annotated[str, Meta(description="JSON pointer to the field, or / and the parameter's name")]
    reason: str


class Problem(Struct, frozen=True):
    """RFC 9457."""

    type: Annotated[str, Meta(description="Stable", examples=["/problems/post-not-found"])]
    title: str
    status: int
    detail: str
    instance: str
    reason: Annotated[str, Meta(description="Stable word to match on", examples=["POST_NOT_FOUND"])]
    trace_id: str
    errors: list[FieldError]


class ProfileCounts(Struct, frozen=True):
    posts: int
    followers: int
    following: int


class Profile(Struct, frozen=True):
    """`counts` is null while they cannot be had."""

    id: Id
    username: str
    name: str
    bio: str
    website: str
    location: str
    pronouns: str
    avatar_url: Url | None
    avatar: Avatar | None
    private_account: bool
    counts: ProfileCounts | None
    created_at: Time | None


class Account(Profile, frozen=True):
    """One's own account. `email` and `email_verified` are null to an app without the scope `email`."""

    email: str | None
    email_verified: bool | None


class LoggedIn(Struct, frozen=True):
    access_token: str
    refresh_token: str
    token_type: Literal["Bearer"]
    expires_in: Annotated[int, Meta(description="Seconds that the access token lives")]
    user: User
    device_token: Annotated[str | None, Meta(description="For the next log-in from this device; null after a refresh")]


class Session(Struct, frozen=True):
    id: Id
    device_name: Annotated[str, Meta(description="What the client called itself, else what its user agent tells")]
    user_agent: str
    address: str
    created_at: Time | None
    last_used_at: Time | None
    current: bool


class Relationship(Struct, frozen=True):
    """How the caller stands to the account `id`. `muted_until` is null for a mute that does not end by itself."""

    id: Id
    following: bool
    requested: bool
    followed_by: bool
    blocking: bool
    muting: bool
    muted_until: Time | None
    close_friend: bool


class Upload(Struct, frozen=True):
    """Where to send the bytes: the body of a PUT, or the last field, `file`, of a POST form."""

    method: Literal["PUT", "POST"]
    url: Url
    headers: dict[str, str]
    fields: dict[str, str]
    expires_at: Time | None


class NewMedia(Media, frozen=True):
    upload: Upload


class Liked(Struct, frozen=True):
    counts: PostCounts
    viewer: ViewerState


class CommentCounts(Struct, frozen=True):
    likes: int
    replies: int


class Comment(Struct, frozen=True):
    id: Id
    post_id: Id
    author: User
    text: str
    reply_to: Id | None
    counts: CommentCounts
    mentions: list[Mention]
    created_at: Time | None


class Notification(Struct, frozen=True):
    """`others` counts whom `actors` leaves out."""

    id: Id
    kind: NotificationKindName
    actors: list[User]
    others: int
    post: Post | None
    comment: Comment | None
    created_at: Time | None
    read: bool


class UnreadCount(Struct, frozen=True):
    count: Annotated[int, Meta(ge=0, le=100, description="Counts to 100 and no further")]


class Tag(Struct, frozen=True):
    name: str
    posts: int


class Place(Struct, frozen=True):
    id: str
    name: str
    lat: float
    lon: float


class Found(Struct, frozen=True, omit_defaults=True):
    """One of `user`, `post`, `tag`, `place` is there, as `type` says."""

    type: Literal["user", "post", "tag", "place"]
    user: User | None = None
    post: Post | None = None
    tag: Tag | None = None
    place: Place | None = None


class Jwks(Struct, frozen=True):
    """RFC 7517."""

    keys: list[dict[str, Any]]


class Health(Struct, frozen=True):
    status: Literal["ok"]
