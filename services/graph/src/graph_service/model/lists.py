"""Pages of lists, by keyset from new to old."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kit import ids
from kit.errors import InvalidArgument

from graph_service.model import errors

MAX_IDS = 200
FIRST_PAGE = (1 << 63) - 1
"""Sorts after every id: lists go from new to old."""


@dataclass(frozen=True)
class Edge:
    """One account of a list; `id` is the change that put it there."""

    user_id: int
    id: int

    @property
    def created_at(self) -> datetime:
        return ids.time_of(self.id)


@dataclass(frozen=True)
class Part:
    """Edges of a list that may be shown. `rest` is where to look on when the search was broken off before there were
    as many as wanted; 0 when there are, or no more."""

    edges: Sequence[Edge]
    rest: int = 0


@dataclass(frozen=True)
class Page:
    """`next_token` is empty at the end."""

    edges: Sequence[Edge]
    next_token: str


@dataclass(frozen=True)
class Counts:
    """`id` is the account's."""

    id: int
    followers: int
    following: int


def check_batch(wanted: Sequence[int]) -> None:
    """Raises InvalidArgument TOO_MANY_IDS."""
    if len(wanted) > MAX_IDS:
        raise errors.too_many_ids(MAX_IDS)


def before_of(token: str) -> int:
    """The id that the page's edges come before. Raises InvalidArgument BAD_PAGE_TOKEN."""
    if not token:
        return FIRST_PAGE
    try:
        return ids.parse(token)
    except InvalidArgument:
        raise errors.bad_page_token() from None


def page_of(part: Part, size: int) -> Page:
    """The first `size` of the edges; that there are more of them, or a rest, says that there is a next page."""
    if len(part.edges) > size:
        return Page(part.edges[:size], str(part.edges[size - 1].id))
    return Page(part.edges, str(part.rest) if part.rest else "")
