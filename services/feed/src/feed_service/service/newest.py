"""Lists that many read at once: the posts of an author who is not pushed, the posts with a tag."""

from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

from feed_service.model import TOP, Entry
from feed_service.service.recent import Recent

K = TypeVar("K", bound=Hashable)
Load = Callable[[K, int, int], Awaitable[Sequence[Entry]]]

_KEPT = 100  # entries of a list
_LISTS = 2_000


class Newest(Generic[K]):
    """The top of each list is kept in the process for `seconds`, and for as long again while it is loaded anew; below
    it the list itself is asked. With 0 seconds nothing is kept."""

    def __init__(self, load: Load[K], *, seconds: float, clock: Callable[[], float]) -> None:
        self._load, self._seconds = load, seconds
        self._tops = Recent[K, Sequence[Entry]](
            lambda key: load(key, TOP, _KEPT), seconds=seconds, stale=seconds, clock=clock, size=_LISTS
        )

    def peek(self, key: K, before: int, limit: int) -> Sequence[Entry] | None:
        """As `slice`, if it needs no loading."""
        top = self._tops.peek(key)
        return None if top is None else _part(top, before, limit)

    async def slice(self, key: K, before: int, limit: int) -> Sequence[Entry]:
        """Newest first; shorter than `limit` only at the end."""
        top = await self._tops.get(key) if self._seconds > 0 else None
        part = None if top is None else _part(top, before, limit)
        return await self._load(key, before, limit) if part is None else part


def _part(top: Sequence[Entry], before: int, limit: int) -> Sequence[Entry] | None:
    """None when it goes on below the top."""
    below = top if before == TOP else [entry for entry in top if entry.post_id < before]
    return below[:limit] if len(below) >= limit or len(top) < _KEPT else None
