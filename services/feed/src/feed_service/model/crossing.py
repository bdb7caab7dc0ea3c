"""Which way an author's posts reach followers: pushed as rows to each, or merged by each who reads."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from kit.ids import first_at

KNOWN_WITHIN = timedelta(seconds=30)  # every reader knows who is merged; they remember it for a second or two
RATE_DAYS = 28
NEVER = (1 << 63) - 1  # complete from above every post on: not at all

_ROOM = 0.8  # of followers, below a threshold that was crossed upwards
_CHEAPER = 0.5  # rows must cost no more than this part of the merges


@dataclass(frozen=True, slots=True)
class Mark:
    """An author who is merged at read: since when (0: long ago), and from when on rows are made up for, on the way back
    to being pushed. Microseconds since the epoch."""

    since_us: int = 0
    returning_us: int | None = None

    def needs_rows(self, now_us: int) -> bool:
        """Whether posts are pushed beside being merged: in the first moments, when some readers do not merge the author
        yet, and on the way back, from whose end on nobody will."""
        return self.returning_us is not None or now_us < self.since_us + KNOWN_WITHIN // timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Backfill:
    """Write the author's posts of the last 90 days into the timelines of the followers after an id; `returning_us`
    tells this way back from others of the same author."""

    author_id: int
    returning_us: int
    after: int


@dataclass(frozen=True, slots=True)
class Audience:
    followers: int
    posts_a_day: float


@dataclass(frozen=True, slots=True)
class Costs:
    """What decides about an author. A post costs a row for each follower, a read of each follower costs a merge; both
    in microseconds of CPU over all processes.

    The number of followers is in both, and so has no say in which costs less. It bounds: above `most` a push takes too
    long to reach everybody, up to `least` it costs next to nothing, and readers should not all merge such authors.
    """

    most: int = 100_000
    least: int = 1_000
    row_us: float = 35
    merge_us: float = 50
    reads_a_day: float = 10

    def rows_us(self, audience: Audience) -> float:
        """A day."""
        return audience.followers * audience.posts_a_day * self.row_us

    def merges_us(self, audience: Audience) -> float:
        """A day."""
        return audience.followers * self.reads_a_day * self.merge_us

    def is_above(self, audience: Audience) -> bool:
        """Whether one who is pushed is to be merged."""
        if audience.followers > self.most:
            return True
        return audience.followers > self.least and self.rows_us(audience) > self.merges_us(audience)

    def is_below(self, audience: Audience) -> bool:
        """Whether one who is merged is to be pushed again; there is room between the two, so that nobody swings."""
        if audience.followers > self.most * _ROOM:
            return False
        cheaper = self.rows_us(audience) <= self.merges_us(audience) * _CHEAPER
        return cheaper or audience.followers <= self.least * _ROOM


def posts_a_day(newest_first: Sequence[int], now: datetime) -> float:
    """Of ids, over the last four weeks."""
    since = first_at(now - timedelta(days=RATE_DAYS))
    return sum(one >= since for one in newest_first) / RATE_DAYS
