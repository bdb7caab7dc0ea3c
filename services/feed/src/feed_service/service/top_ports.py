"""What the ranked order needs of stores, of other services and of the reading of the feed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from feed_service.model import Entry
from feed_service.model.ranking import Interaction, PostFacts, RankedPost, Ranking


@dataclass(frozen=True, slots=True)
class Ties:
    """Accounts that a viewer follows and does not mute, and followed tags."""

    known: frozenset[int] = frozenset()
    tags: frozenset[str] = frozenset()


class Feed(Protocol):
    """The chronological feed, in two steps. Raises Unavailable."""

    async def candidates(self, viewer_id: int, before: int, limit: int) -> tuple[Sequence[Entry], bool]:
        """Newest first below `before`, shorter than `limit` only at the end; and whether they had to be pulled from the
        authors because timelines cannot be read."""
        ...

    async def shown(self, viewer_id: int, entries: Sequence[Entry]) -> Mapping[int, bytes]:
        """Those that are in the viewer's feed and may be seen now, by id, as JSON. At most 200 entries."""
        ...

    async def visible(self, viewer_id: int, entries: Sequence[Entry]) -> Collection[int]:
        """The ids of these alone."""
        ...

    async def ties(self, viewer_id: int, accounts: Collection[int]) -> Ties:
        """Those among the accounts, from what is at hand of the viewer."""
        ...


class Facts(Protocol):
    """What post knows. Raises Unavailable."""

    async def of_posts(self, post_ids: Sequence[int]) -> Sequence[PostFacts]:
        """Any number, in no order; without those that are gone."""
        ...

    async def contents(self, post_ids: Sequence[int]) -> Mapping[int, PostFacts]:
        """The same without commenters, by id."""
        ...


class InterestLog(Protocol):
    """Raises Unavailable REDIS_UNAVAILABLE."""

    async def record(self, viewer_id: int, done: Mapping[str, Interaction]) -> None:
        """By name of what was done. Of two by one name the later stays, whichever comes first."""
        ...

    async def of(self, viewer_id: int) -> Sequence[Interaction]: ...


class SeenPosts(Protocol):
    """Raises Unavailable REDIS_UNAVAILABLE."""

    async def mark(self, viewer_id: int, post_ids: Sequence[int]) -> int:
        """How many of them are new. `post_ids` must not be empty."""
        ...

    async def among(self, viewer_id: int, post_ids: Sequence[int], by: datetime) -> frozenset[int]:
        """Those that were seen by then."""
        ...


class Sessions(Protocol):
    """Raises Unavailable REDIS_UNAVAILABLE."""

    async def save(self, viewer_id: int, ranking: Ranking) -> None: ...

    async def posts(self, viewer_id: int, session: bytes, start: int, count: int) -> Sequence[RankedPost] | None:
        """Fewer than `count` only at the end; None when the session is gone."""
        ...


@dataclass(frozen=True, slots=True)
class Served:
    """A page of a ranking, as it was answered; `first_rank` counts from 0."""

    viewer_id: int
    session: bytes
    first_rank: int
    posts: Sequence[RankedPost]
    at: datetime


class Impressions(Protocol):
    """What people were shown, told as well as may be."""

    def served(self, page: Served) -> None:
        """Never waits."""
        ...

    async def seen(self, viewer_id: int, post_ids: Sequence[int], order: str, at: datetime) -> None:
        """Waits for a moment at most; what is not told by then may be told later or be lost."""
        ...
