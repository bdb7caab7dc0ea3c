"""Making a home timeline anew from truth: the follows in graph, the posts in post."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from feed_service.model import TOP, Entry, micros, oldest_kept
from feed_service.service.ports import Authors, Graph, Home, Posts, Warm

_STEP = 500


class Rebuild:
    """Rows get the time at which the rebuild began: what happens meanwhile is later and wins."""

    def __init__(
        self, home: Home, warm: Warm, authors: Authors, posts: Posts[Any], graph: Graph, *, now: Callable[[], datetime]
    ) -> None:
        self._home, self._warm, self._authors = home, warm, authors
        self._posts, self._graph, self._now = posts, graph, now

    async def newest(self, user_id: int, most: int) -> int:
        """Adds the newest `most` entries; answers the post id from which on the timeline is complete now."""
        began = self._now()
        authors = await self._pushed_authors(user_id)
        entries = await self._posts.newest(authors, TOP, most)
        floor = oldest_kept(began)
        if len(entries) == most:
            floor = max(floor, entries[-1].post_id)
        await self._home.add(user_id, [entry for entry in entries if entry.post_id >= floor], micros(began))
        await self._home.set_complete_from(user_id, floor)
        return floor

    async def whole(self, user_id: int) -> int:
        """Adds what is missing, removes what does not belong, and answers how many rows there are then."""
        began = self._now()
        floor = oldest_kept(began)
        # Rows before truth: a row of now has its post and its follow committed.
        rows = await self._walk(lambda before: self._home.slice(user_id, before, floor, _STEP))
        authors = await self._pushed_authors(user_id)
        truth = await self._walk(lambda before: self._posts.newest(authors, before, _STEP), floor)
        await self._home.remove(user_id, sorted(set(rows) - set(truth)), micros(began) - 1)
        await self._home.add(user_id, truth, micros(began))
        await self._home.set_complete_from(user_id, floor)
        await self._warm.drop(user_id)
        return len(truth)

    async def _pushed_authors(self, user_id: int) -> Sequence[int]:
        pulled = await self._authors.pulled()
        return [author for author in [user_id, *await self._graph.following(user_id)] if author not in pulled]

    async def _walk(self, read: Callable[[int], Any], floor: int = 0) -> list[Entry]:
        found: list[Entry] = []
        while True:
            step: Sequence[Entry] = await read(found[-1].post_id if found else TOP)
            found += step
            if len(step) < _STEP or step[-1].post_id < floor:
                return [entry for entry in found if entry.post_id >= floor]
