"""Keyset pages that are full in spite of filtering."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from post_service.model.errors import bad_page_token, too_many_ids

T = TypeVar("T")
V = TypeVar("V")
BATCH_MAX = 200
_FETCH_MAX = 200


@dataclass(frozen=True)
class Page(Generic[V]):
    """`next_token` is empty at the end of the list, and only there may a page be short."""

    items: Sequence[V]
    next_token: str


async def fill(
    size: int,
    start: int,
    *,
    fetch: Callable[[int, int], Awaitable[Sequence[T]]],
    show: Callable[[Sequence[T]], Awaitable[Sequence[V]]],
    key: Callable[[T], int],
    shown_key: Callable[[V], int],
) -> Page[V]:
    """`fetch(after, limit)` gives the rows that follow the key `after`, `show` those of them that the viewer may see.

    Fetches on, in growing steps, until the page and one item more are there or the rows end.
    """
    items: list[V] = []
    position, step = start, size + 1
    while len(items) <= size:
        rows = await fetch(position, step)
        items.extend(await show(rows))
        if len(rows) < step:
            break
        position, step = key(rows[-1]), min(step * 2, _FETCH_MAX)
    more = len(items) > size
    return Page(items[:size], str(shown_key(items[size - 1])) if more else "")


def key_of(token: str, first: int) -> int:
    """The key that a page token names, `first` for an empty one. Raises InvalidArgument BAD_PAGE_TOKEN."""
    if not token:
        return first
    if not (token.isascii() and token.isdecimal() and len(token) <= 19 and int(token) < 1 << 63):
        raise bad_page_token()
    return int(token)


def check_batch(ids: Sequence[int], limit: int = BATCH_MAX) -> list[int]:
    """The ids, each once, in their order. Raises InvalidArgument TOO_MANY_IDS."""
    if len(ids) > limit:
        raise too_many_ids(limit)
    return list(dict.fromkeys(ids))
