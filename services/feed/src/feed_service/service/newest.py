"""Lists that many read at once: the posts of an author who is not pushed, the posts with a tag."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

from feed_service.model import NEWEST_KEPT, TOP, Entry, merge
from feed_service.service.recent import Recent

K = TypeVar("K", bound=Hashable)
Load = Callable[[K, int, int], Awaitable[Sequence[Entry]]]

_LISTS = 2_000
_SETS = 4_000  # of lists that are read together


class Newest(Generic[K]):
    """The top of each list is kept in the process for `seconds`, and for as long again while it is loaded anew; below
    it the list itself is asked. With 0 seconds nothing is kept."""

    def __init__(self, load: Load[K], *, seconds: float, clock: Callable[[], float]) -> None:
        self._load, self._seconds, self._clock = load, seconds, clock
        self._tops = Recent[K, Sequence[Entry]](
            lambda key: load(key, TOP, NEWEST_KEPT), seconds=seconds, stale=seconds, clock=clock, size=_LISTS
        )
        self._merged: OrderedDict[tuple[tuple[K, ...], int], tuple[float, Sequence[Entry]]] = OrderedDict()

    def peek(self, key: K, before: int, limit: int) -> Sequence[Entry] | None:
        """As `slice`, if it needs no loading."""
        top = self._tops.peek(key)
        return None if top is None else _part(top, before, limit)

    async def slice(self, key: K, before: int, limit: int) -> Sequence[Entry]:
        """Newest first; shorter than `limit` only at the end."""
        top = await self._tops.get(key) if self._seconds > 0 else None
        part = None if top is None else _part(top, before, limit)
        return await self._load(key, before, limit) if part is None else part

    async def each(self, keys: Sequence[K], before: int, limit: int) -> Sequence[Sequence[Entry]]:
        """`slice` of several lists, in any order."""
        found: list[Sequence[Entry]] = []
        waited_for: list[Awaitable[Sequence[Entry]]] = []
        for key in keys:
            part = self.peek(key, before, limit)
            if part is None:
                waited_for.append(self.slice(key, before, limit))
            else:
                found.append(part)
        return [*found, *await asyncio.gather(*waited_for)] if waited_for else found

    async def merged(self, keys: Sequence[K], before: int, limit: int) -> Sequence[Entry]:
        """The newest of several lists together, as of one. Their top is merged once for all who read the same lists:
        it is kept until the first of these has to be loaded anew, so that it is never older than they are."""
        if before != TOP:
            return merge(await self.each(keys, before, limit), limit)
        several = (tuple(keys), limit)
        kept, now = self._merged.get(several), self._clock()
        if kept is not None and now < kept[0]:
            return kept[1]
        until = min((self._tops.fresh_until(key) for key in keys), default=now)
        merged = merge(await self.each(keys, before, limit), limit)
        if now < until:
            self._keep(several, until, merged)
        return merged

    def _keep(self, several: tuple[tuple[K, ...], int], until: float, merged: Sequence[Entry]) -> None:
        self._merged[several] = until, merged
        self._merged.move_to_end(several)
        if len(self._merged) > _SETS:
            self._merged.popitem(last=False)


def _part(top: Sequence[Entry], before: int, limit: int) -> Sequence[Entry] | None:
    """None when it goes on below the top."""
    below = top if before == TOP else [entry for entry in top if entry.post_id < before]
    return below[:limit] if len(below) >= limit or len(top) < NEWEST_KEPT else None
