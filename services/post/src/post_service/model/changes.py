"""What happened, as facts that the store appends to the outbox beside the rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from post_service.model.comments import Comment
from post_service.model.media import MediaState
from post_service.model.posts import Post


@dataclass(frozen=True)
class MediaUploaded:
    """The medium has work to do: new bytes, or a place that its post's audience does not allow."""

    media_id: int
    author_id: int


@dataclass(frozen=True)
class MediaProcessed:
    media_id: int
    author_id: int
    state: MediaState


@dataclass(frozen=True)
class PostPublished:
    post: Post


@dataclass(frozen=True)
class PostEdited:
    post: Post


@dataclass(frozen=True)
class PostDeleted:
    post_id: int
    author_id: int
    version: int
    deleted_at: datetime


@dataclass(frozen=True)
class LikeChanged:
    """`change_id` is unique over time and grows with the changes of one pair of post and user."""

    liked: bool
    post_id: int
    post_author_id: int
    user_id: int
    at: datetime
    change_id: int


@dataclass(frozen=True)
class CommentCreated:
    comment: Comment


@dataclass(frozen=True)
class CommentDeleted:
    """`removed` comments went, itself included."""

    comment: Comment
    removed: int
    deleted_at: datetime


Change: TypeAlias = (
    MediaUploaded
    | MediaProcessed
    | PostPublished
    | PostEdited
    | PostDeleted
    | LikeChanged
    | CommentCreated
    | CommentDeleted
)
