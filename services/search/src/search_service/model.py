"""What is searched for and how text is compared. Documents are views: ids and words, never shown themselves."""

import base64
import binascii
import hashlib
import json
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum
from typing import cast

from kit.errors import FieldViolation, InvalidArgument

MAX_QUERY = 200
MAX_AGGREGATED = 200
"""Tags and places are ranked by how often they are used; no further than this many are offered."""


class Kind(Enum):
    USERS = "users"
    POSTS = "posts"
    TAGS = "tags"
    PLACES = "places"


@dataclass(frozen=True)
class UserDocument:
    """`version` is the profile's: an older one never replaces a newer one."""

    user_id: int
    version: int
    username: str
    name: str
    active: bool


@dataclass(frozen=True)
class Place:
    """A spot that posts name, latitude and longitude in degrees. Equal names within about 100 m are one place."""

    name: str
    latitude: float
    longitude: float

    @property
    def id(self) -> str:
        spot = f"{fold(self.name)}|{self.latitude:.3f}|{self.longitude:.3f}"
        return hashlib.sha256(spot.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class PostDocument:
    """`public`: everybody may see it, so it may count for tags and places. `version` is the post's."""

    post_id: int
    version: int
    author_id: int
    title: str
    caption: str
    tags: tuple[str, ...]
    place: Place | None
    public: bool
    created_at: datetime


@dataclass(frozen=True)
class ScannedPost:
    """A post as truth tells of it; `audience_public` leaves aside whether its account is open."""

    post: PostDocument
    audience_public: bool


@dataclass(frozen=True)
class Tombstone:
    """A deleted post. What stays says nothing of the author."""

    post_id: int
    version: int
    deleted_at: datetime


@dataclass(frozen=True)
class Author:
    """What the index needs to know of an account. An account is open when everybody may see its public posts. `version`
    is the profile's, 0 when the account is gone."""

    id: int
    open: bool
    version: int

    @property
    def exists(self) -> bool:
        return self.version > 0


@dataclass(frozen=True)
class Hit:
    """A candidate with its place in the ranking: higher scores first, then higher ids."""

    id: int
    score: float


@dataclass(frozen=True)
class TagCount:
    name: str
    posts: int


@dataclass(frozen=True)
class Relation:
    """What hides an account from the viewer: a block in either direction."""

    blocked: bool


def fold(text: str) -> str:
    """Text as it is compared: NFKC, case-folded, without accents, single spaces ("Crème  BRÛLÉE" -> "creme brulee")."""
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKC", text).casefold())
    bare = "".join(char for char in apart if not unicodedata.combining(char))
    return " ".join(unicodedata.normalize("NFC", bare).split())


def clean_query(query: str) -> str:
    """The query, folded. Raises InvalidArgument INVALID_FIELD when nothing is left of it or it is too long."""
    _check_length(query)
    folded = fold(re.sub(r"[\x00-\x1f\x7f]", " ", query)).lstrip("#@").strip()
    if not folded:
        raise _bad_query("must not be empty")
    # Again: folding makes a whole sentence of some characters, and the index refuses a query of a thousand words.
    _check_length(folded)
    return folded


def clean_tag(query: str) -> str:
    """The query as tags are kept: NFKC, case-folded, accents kept. Raises as clean_query."""
    clean_query(query)
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", query).casefold())
    tag = folded.strip().lstrip("#")
    _check_length(tag)
    return tag


def _check_length(query: str) -> None:
    if len(query) > MAX_QUERY:
        raise _bad_query(f"at most {MAX_QUERY} characters")


def _bad_query(reason: str) -> InvalidArgument:
    return InvalidArgument("INVALID_FIELD", f"q: {reason}", fields=[FieldViolation("/q", reason)])


def token_after(hit: Hit) -> str:
    return _encode([hit.score, hit.id])


def hit_of(token: str) -> Hit | None:
    """The hit that a page ended with; None for the first page. Raises InvalidArgument BAD_PAGE_TOKEN."""
    if not token:
        return None
    match _decode(token):
        case [float() | int() as score, int() as id_]:
            return Hit(id_, float(score))
        case _:
            raise bad_page_token()


def token_at(offset: int) -> str:
    return _encode([offset])


def offset_of(token: str) -> int:
    """How many were served before. Raises InvalidArgument BAD_PAGE_TOKEN."""
    if not token:
        return 0
    match _decode(token):
        case [int() as offset] if 0 < offset <= MAX_AGGREGATED:
            return offset
        case _:
            raise bad_page_token()


def bad_page_token() -> InvalidArgument:
    return InvalidArgument("BAD_PAGE_TOKEN", "the page token is not one of this list")


def _encode(parts: Sequence[float]) -> str:
    return base64.urlsafe_b64encode(json.dumps(parts).encode()).decode()


def _decode(token: str) -> list[object]:
    try:
        parts = json.loads(base64.urlsafe_b64decode(token))
    except (binascii.Error, ValueError):
        raise bad_page_token() from None
    if not isinstance(parts, list):
        raise bad_page_token()
    return cast("list[object]", parts)
