"""Where a reader of the ranked feed is: what a page token says.

A token alone is enough to go on without showing a post twice: it names what was shown by marks of 16 bits. They are
looked at only when the session is gone; then one post in 65,521 for each one shown is taken for one that was shown.
"""

import base64
import binascii
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from kit.errors import InvalidArgument

from feed_service.model import TOP

SESSION_BYTES = 8
MOST_MARKS = 1_000  # more than there are candidates; keeps a token under 2,800 characters

_PRIME = 65_521
_RANKED, _REST, _CUT = 1, 2, 3
_RANKED_HEAD = struct.Struct(f">{SESSION_BYTES}sHqqq")
_REST_HEAD = struct.Struct(">?qq")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_LAST_MS = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _MILLISECOND


@dataclass(frozen=True, slots=True)
class Ranked:
    """Go on at `position` of a ranking of the candidates from `low` (inclusive) to `before` (exclusive), made at
    `as_of`. `shown` are marks of the posts shown so far. `cut`: some of them are below `low`, as the ranking was made
    anew when there were more candidates."""

    session: bytes
    position: int
    as_of: datetime
    before: int
    low: int
    shown: frozenset[int] = frozenset()
    cut: bool = False

    @property
    def then(self) -> "Rest":
        """What comes after the ranking."""
        return Rest(self.low, 0, self.shown) if self.cut else Rest(self.low)


@dataclass(frozen=True, slots=True)
class Rest:
    """Go on with the newest below `before`, leaving out what has one of the marks `shown` and is not below `low`."""

    before: int
    low: int = 0
    shown: frozenset[int] = frozenset()
    degraded: bool = False

    def leaves_out(self, post_id: int) -> bool:
        return post_id >= self.low and mark_of_post(post_id) in self.shown


def mark_of_post(post_id: int) -> int:
    return post_id % _PRIME


def write(place: Ranked | Rest) -> str:
    if isinstance(place, Ranked):
        as_of = (place.as_of - _EPOCH) // _MILLISECOND
        head = _RANKED_HEAD.pack(place.session, place.position, as_of, place.before, place.low)
        return _encode(_CUT if place.cut else _RANKED, head, place.shown)
    shown = place.shown if place.before > place.low else ()  # of no use any more
    return _encode(_REST, _REST_HEAD.pack(place.degraded, place.before, place.low), shown)


def read(token: str) -> Ranked | Rest | None:
    """None for the first page. Raises InvalidArgument BAD_PAGE_TOKEN."""
    if not token:
        return None
    try:
        blob = base64.b64decode(token.encode() + b"=" * (-len(token) % 4), altchars=b"-_", validate=True)
        place = _read_ranked(blob[1:], cut=blob[0] == _CUT) if blob[0] != _REST else _read_rest(blob[1:])
        known = blob[0] in (_RANKED, _REST, _CUT) and write(place) == token
    except (binascii.Error, ValueError, IndexError, struct.error):
        raise _bad_token() from None
    if not known:
        raise _bad_token()
    return place


def _read_ranked(blob: bytes, *, cut: bool) -> Ranked:
    session, position, as_of, before, low = _RANKED_HEAD.unpack_from(blob)
    if not 0 <= as_of <= _LAST_MS:
        raise ValueError("not a time")
    _check(before, low)
    shown = _marks(blob[_RANKED_HEAD.size :])
    return Ranked(session, position, _EPOCH + as_of * _MILLISECOND, before, low, shown, cut)


def _read_rest(blob: bytes) -> Rest:
    degraded, before, low = _REST_HEAD.unpack_from(blob)
    _check(before, low)
    return Rest(before, low, _marks(blob[_REST_HEAD.size :]), degraded)


def _check(before: int, low: int) -> None:
    if not (0 < before <= TOP and 0 <= low <= TOP):
        raise ValueError("not ids")


def _encode(kind: int, head: bytes, shown: Iterable[int]) -> str:
    marks = b"".join(mark.to_bytes(2, "big") for mark in sorted(shown))
    return base64.urlsafe_b64encode(bytes([kind]) + head + marks).rstrip(b"=").decode()


def _marks(blob: bytes) -> frozenset[int]:
    if len(blob) % 2 or len(blob) > 2 * MOST_MARKS:
        raise ValueError("not marks")
    return frozenset(mark for (mark,) in struct.iter_unpack(">H", blob))


def _bad_token() -> InvalidArgument:
    return InvalidArgument("BAD_PAGE_TOKEN", "the page token is not one of this list")
