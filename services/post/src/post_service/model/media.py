"""Media: what may be uploaded, how it moves through its states, where its bytes live."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, IntEnum, auto

from post_service.model.errors import invalid

ALT_TEXT_MAX = 1_500
MAX_ATTEMPTS = 3
UPLOADS = "uploads/"
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Kind(IntEnum):
    IMAGE = 1
    VIDEO = 2


class MediaState(IntEnum):
    WAITING = 1
    CHECKING = 2
    RESIZING = 3
    TRANSCODING = 4
    READY = 5
    REFUSED = 6
    DELETED = 7
    """Its post is gone: nobody sees it any more, its files are on their way out."""


CONTENT_TYPES = {
    Kind.IMAGE: frozenset({"image/jpeg", "image/png", "image/webp"}),
    Kind.VIDEO: frozenset({"video/mp4", "video/quicktime"}),
}
CONTENT_SUFFIXES = {
    "image/jpeg": ".jpg",
    "image/png": ".png",
    "image/webp": ".webp",
    "video/mp4": ".mp4",
    "video/quicktime": ".mov",
}
IN_WORK = frozenset({MediaState.CHECKING, MediaState.RESIZING, MediaState.TRANSCODING})


@dataclass(frozen=True)
class Limits:
    """Largest uploads, in bytes."""

    image_bytes: int
    video_bytes: int

    def of(self, kind: Kind) -> int:
        return self.image_bytes if kind is Kind.IMAGE else self.video_bytes


@dataclass(frozen=True)
class Announcement:
    """What a client says that it will upload. `sha256` is lower-case hex."""

    kind: Kind
    content_type: str
    bytes: int
    sha256: str
    alt_text: str


@dataclass(frozen=True)
class Upload:
    """What the client sends to storage: this method, to this address, with exactly these headers. `fields` go before
    the file in a POST."""

    method: str
    url: str
    headers: Mapping[str, str]
    fields: Mapping[str, str]
    expires_at: datetime


@dataclass(frozen=True)
class Variant:
    name: str
    width: int
    height: int
    bytes: int
    content_type: str


@dataclass(frozen=True)
class Focus:
    """The point that a crop keeps: 0..1 from the left and from the top of the picture as shown."""

    x: float = 0.5
    y: float = 0.5


@dataclass(frozen=True)
class Medium:
    """`place` is the storage prefix of its variants, "public/<random>" or "private/<random>", empty before processing.

    `next_place` is where they are being moved to; `old_place` is where files still wait to be removed.
    `post_id` is 0 until a post uses it. `width` and `height` are those of the original as shown.
    """

    id: int
    author_id: int
    kind: Kind
    content_type: str
    bytes: int
    sha256: str
    alt_text: str
    focus: Focus
    state: MediaState
    reason: str
    blurhash: str
    width: int
    height: int
    place: str
    next_place: str
    old_place: str
    variants: tuple[Variant, ...]
    post_id: int
    attempts: int
    created_at: datetime

    @property
    def upload_key(self) -> str:
        return upload_key(self.id)

    @property
    def original_key(self) -> str:
        return original_key(self.author_id, self.sha256)


def upload_key(media_id: int) -> str:
    return f"{UPLOADS}{media_id}"


def original_key(author_id: int, sha256: str) -> str:
    return f"originals/{author_id}/{sha256}"


def media_of_upload(key: str) -> int:
    return int(key.removeprefix(UPLOADS))


def is_public(place: str) -> bool:
    return place.startswith("public/")


def fits(place: str, *, open_to_all: bool) -> bool:
    """Whether files may stay at `place`, given whether anybody at all may see their post."""
    return bool(place) and is_public(place) == open_to_all


def place_of(*, open_to_all: bool, key: str) -> str:
    return f"{'public' if open_to_all else 'private'}/{key}"


def settled(medium: Medium, *, open_to_all: bool) -> bool:
    """Ready, and stored where a post of this openness needs it."""
    return medium.state is MediaState.READY and fits(medium.place, open_to_all=open_to_all)


def check_announcement(asked: Announcement, limits: Limits) -> None:
    """Raises InvalidArgument INVALID_FIELD."""
    if asked.content_type not in CONTENT_TYPES[asked.kind]:
        allowed = ", ".join(sorted(CONTENT_TYPES[asked.kind]))
        raise invalid("/content_type", f"not one of {allowed}")
    if not 1 <= asked.bytes <= limits.of(asked.kind):
        raise invalid("/bytes", f"not within 1 and {limits.of(asked.kind)}")
    if not _SHA256.fullmatch(asked.sha256):
        raise invalid("/sha256", "not 64 lower-case hexadecimal digits")
    check_alt_text(asked.alt_text)


def check_alt_text(text: str) -> None:
    """Raises InvalidArgument INVALID_FIELD."""
    if len(text) > ALT_TEXT_MAX:
        raise invalid("/alt_text", f"longer than {ALT_TEXT_MAX} characters")
    if "\0" in text:
        raise invalid("/alt_text", "holds a NUL character")


def check_focus(focus: Focus) -> None:
    """Raises InvalidArgument INVALID_FIELD; NaN is out of bounds too."""
    for field, value in (("/focal_x", focus.x), ("/focal_y", focus.y)):
        if not 0 <= value <= 1:
            raise invalid(field, "not within 0 and 1")


class Step(Enum):
    """What the media worker has to do next for a medium."""

    NOTHING = auto()
    PROCESS = auto()
    MOVE = auto()
    DROP_OLD_PLACE = auto()
    PURGE = auto()


def next_step(medium: Medium, *, open_to_all: bool) -> Step:
    """`open_to_all` of its post; without a post, of the author's public posts."""
    if medium.state in IN_WORK:
        return Step.PROCESS
    if medium.state in {MediaState.REFUSED, MediaState.DELETED}:
        return Step.PURGE
    if medium.state is not MediaState.READY:
        return Step.NOTHING
    if medium.old_place:
        return Step.DROP_OLD_PLACE
    if not fits(medium.place, open_to_all=open_to_all):
        return Step.MOVE
    return Step.NOTHING
