"""Posts: what may be said in one, and what it holds."""

import math
from dataclasses import dataclass
from datetime import datetime

from post_service.model.errors import invalid
from post_service.model.media import Medium
from post_service.model.visibility import Audience, PostState

MEDIA_MAX = 20
TITLE_MAX = 100
CAPTION_MAX = 2_200
PLACE_NAME_MAX = 200


@dataclass(frozen=True)
class Location:
    name: str
    latitude: float
    longitude: float


@dataclass(frozen=True)
class Mention:
    user_id: int
    username: str


@dataclass(frozen=True)
class Content:
    """The parts of a post that its author writes and may edit. `tags` and `mentions` follow from the caption."""

    title: str
    caption: str
    location: Location | None
    audience: Audience
    comments_off: bool
    tags: tuple[str, ...] = ()
    mentions: tuple[Mention, ...] = ()


@dataclass(frozen=True)
class Post:
    """`version` grows with every change of the post or its media."""

    id: int
    author_id: int
    content: Content
    state: PostState
    version: int
    created_at: datetime
    edited_at: datetime | None
    media: tuple[Medium, ...]

    @property
    def etag(self) -> str:
        return f"{self.id}-{self.version}"


@dataclass(frozen=True)
class PostRef:
    post_id: int
    author_id: int


@dataclass(frozen=True)
class PostCounts:
    likes: int = 0
    comments: int = 0


def check_content(content: Content) -> None:
    """Raises InvalidArgument INVALID_FIELD."""
    _check_text("/title", content.title, TITLE_MAX)
    _check_text("/caption", content.caption, CAPTION_MAX)
    if content.location is not None:
        check_location(content.location)


def check_location(location: Location) -> None:
    """Raises InvalidArgument INVALID_FIELD."""
    if not location.name.strip():
        raise invalid("/location/name", "empty")
    _check_text("/location/name", location.name, PLACE_NAME_MAX)
    if not (math.isfinite(location.latitude) and abs(location.latitude) <= 90):
        raise invalid("/location/lat", "not within -90 and 90")
    if not (math.isfinite(location.longitude) and abs(location.longitude) <= 180):
        raise invalid("/location/lon", "not within -180 and 180")


def check_media_ids(ids: tuple[int, ...]) -> None:
    """Raises InvalidArgument INVALID_FIELD."""
    if not 1 <= len(ids) <= MEDIA_MAX:
        raise invalid("/media_ids", f"not within 1 and {MEDIA_MAX} media")
    for index, media_id in enumerate(ids):
        if media_id in ids[:index]:
            raise invalid(f"/media_ids/{index}", "named twice")


def _check_text(field: str, text: str, limit: int) -> None:
    if len(text) > limit:
        raise invalid(field, f"longer than {limit} characters")
    if "\0" in text:
        raise invalid(field, "holds a NUL character")
