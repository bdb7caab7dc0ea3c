"""What a home feed is made of, and the rules of it.

A timeline is a list of candidates: what it holds too much is filtered at read, so the rules here only guard against
missing posts. Ids carry their time, and the newest come first everywhere.
"""

import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import Enum
from typing import NamedTuple

from kit.errors import FieldViolation, InvalidArgument
from kit.ids import first_at, time_of

TOP = (1 << 63) - 1  # above every post: where the first page starts
ROWS_KEPT = timedelta(days=90)  # home rows younger than this are all there; they expire a day later
ROWS_TTL_SECONDS = int((ROWS_KEPT + timedelta(days=1)).total_seconds())
CHUNK = 1_000  # followers
NEWEST_KEPT = 201  # entries of a list that many read: as many as the largest step asks for, and one more
ID_BYTES = 8

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_CLOCKS_APART = timedelta(hours=1)
_TOKEN = re.compile(r"[1-9][0-9]{0,18}")


class Entry(NamedTuple):
    """A post as a candidate. Sorts by time."""

    post_id: int
    author_id: int


@dataclass(frozen=True, slots=True)
class Slice:
    """Part of a timeline, newest first. With `floor` it holds all that there is down to that post id, and what lies
    below has to be asked elsewhere; without, the timeline goes on below its last entry."""

    entries: Sequence[Entry]
    floor: int | None = None

    def first(self, limit: int) -> "Slice":
        return self if len(self.entries) <= limit else Slice(self.entries[:limit])

    def next_before(self, before: int) -> int:
        """Where to go on after this slice, which was read below `before`."""
        if self.floor is not None:
            return min(before, self.floor)
        return self.entries[-1].post_id if self.entries else before


class Lane(Enum):
    """Small audiences never wait behind large ones; `LATE` catches up on warm timelines after an outage of Redis."""

    SMALL = "fanout.small.v1"
    LARGE = "fanout.large.v1"
    LATE = "fanout.warm.v1"


@dataclass(frozen=True, slots=True)
class Plan:
    """Go on with the author's followers after an id. `at_us` is the write time of the rows. In its lane it waits behind
    the chunk that begins with the follower `behind`."""

    entry: Entry
    after: int
    at_us: int
    behind: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """Put the entry into the home timelines of `followers`: packed ids, 8 bytes big-endian each."""

    entry: Entry
    followers: bytes
    at_us: int


def merge(slices: Iterable[Sequence[Entry]], limit: int) -> Sequence[Entry]:
    """The newest `limit` entries, each post once.

    Exact when every slice is newest first and shorter than `limit` only at its end. The answer is shorter than `limit`
    only when all of them are at their end.
    """
    filled = [part for part in slices if part]
    if len(filled) == 1:
        return filled[0][:limit]
    once = {entry.post_id: entry for part in filled for entry in part}
    return [once[post_id] for post_id in sorted(once, reverse=True)[:limit]]


def chunks(entry: Entry, at_us: int, packed: bytes) -> Sequence[Chunk]:
    step = CHUNK * ID_BYTES
    return [Chunk(entry, packed[start : start + step], at_us) for start in range(0, len(packed), step)]


def pack(ids: Iterable[int]) -> bytes:
    return b"".join(one.to_bytes(ID_BYTES, "big") for one in ids)


def unpack(packed: bytes) -> Sequence[int]:
    return struct.unpack(f">{len(packed) // ID_BYTES}q", packed)


def oldest_kept(now: datetime) -> int:
    """The lowest post id whose home row has not expired for sure."""
    return first_at(now - ROWS_KEPT)


def may_have_posted_before(author_id: int, post_id: int) -> bool:
    """False when the account is younger than the post id."""
    return author_id < first_at(time_of(post_id) + _CLOCKS_APART)


def bucket_of(post_id: int) -> int:
    return time_of(min(post_id, _NEWEST_ID)).year


def buckets(author_id: int, before: int, now: datetime) -> Sequence[int]:
    """Every bucket that may hold posts of the author below `before`, newest first."""
    newest = min(bucket_of(before), (now + _CLOCKS_APART).year)
    return range(newest, (time_of(author_id) - _CLOCKS_APART).year - 1, -1)


def micros(moment: datetime) -> int:
    """Since the epoch: Cassandra's write time."""
    return (moment - _EPOCH) // _MICROSECOND


def followed_at_us(change_id: int) -> int:
    """Write time of rows that a follow brings. Change ids order what happens between two accounts, to the millisecond;
    within one, a follow comes after an unfollow: rows too many do no harm, missing ones do."""
    return unfollowed_at_us(change_id) + 999


def unfollowed_at_us(change_id: int) -> int:
    return micros(time_of(change_id))


def parse_viewer(viewer_id: int) -> int:
    """Raises InvalidArgument: nobody has no home feed."""
    if viewer_id <= 0:
        raise InvalidArgument(
            "INVALID_FIELD", "a home feed is somebody's", fields=[FieldViolation("/viewer_id", "not an id")]
        )
    return viewer_id


def parse_token(token: str) -> int:
    """The post id below which the page starts. Raises InvalidArgument BAD_PAGE_TOKEN."""
    if not token:
        return TOP
    if _TOKEN.fullmatch(token) and int(token) <= TOP:
        return int(token)
    raise InvalidArgument("BAD_PAGE_TOKEN", "the page token is not one of this list")


_NEWEST_ID = first_at(datetime(9999, 1, 1, tzinfo=UTC))
