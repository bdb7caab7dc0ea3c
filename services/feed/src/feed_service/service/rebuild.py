"""Making a home timeline anew from truth: the follows in graph, the posts in post."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from feed_service.model import TOP, Entry, micros, oldest_kept
from feed_service.service.fanout_ports import Idle, Marks
from feed_service.service.follows import remove
from feed_service.service.ports import Graph, Home, Posts, Warm

_STEP = 500


class Rebuild:
    """Rows get the time at which the rebuild began: what happens meanwhile is later and wins. Accounts that did not
    read leave the set of the idle first (service/idle.py)."""

    def __init__(
        self,
        home: Home,
        warm: Warm,
        idle: Idle,
        marks: Marks,
        posts: Posts[Any],
        graph: Graph,
        *,
        now: Callable[[], datetime],
    ) -> None:
        self._home, self._warm, self._idle, self._marks = home, warm, idle, marks
        self._posts, self._graph, self._now = posts, graph, now

    async def newest(self, user_id: int, most: int) -> int:
        """Adds the newest `most` entries; answers the post id from which on the timeline is complete now. That is not
        kept when Redis is away."""
        left_us, began = await self._idle.leave(user_id), self._now()
        authors = await self._pushed_authors(user_id)
        entries = await self._posts.newest(authors, TOP, most)
        floor = oldest_kept(began)
        if len(entries) == most:
            floor = max(floor, entries[-1].post_id)
        at_us = micros(began) if left_us is None else left_us
        await self._home.add(user_id, [entry for entry in entries if entry.post_id >= floor], at_us)
        if left_us is not None:
            await self._home.set_complete_from(user_id, floor, left_us)
        return floor

    async def whole(self, user_id: int) -> int:
        """Adds what is missing, removes what does not belong, and answers how many rows there are then. Rows of authors
        who are merged at read stay: they may be on their way back."""
        left_us, began = await self._idle.leave(user_id), self._now()
        at_us, floor = micros(began) if left_us is None else left_us, oldest_kept(began)
        # Rows before truth: a row of now has its post and its follow committed.
        rows = await self._walk(lambda before: self._home.slice(user_id, before, floor, _STEP))
        marked = await self._marks.all()
        authors = await self._pushed_authors(user_id)
        truth = await self._walk(lambda before: self._posts.newest(authors, before, _STEP), floor)
        gone = sorted(entry for entry in set(rows) - set(truth) if entry.author_id not in marked)
        await remove(self._home, user_id, gone, at_us - 1)
        await self._home.add(user_id, truth, at_us)
        if left_us is not None:
            await self._home.set_complete_from(user_id, floor, left_us)
        await self._warm.drop(user_id)
        return len(truth)

    async def _pushed_authors(self, user_id: int) -> Sequence[int]:
        """One's own posts are pushed to oneself always."""
        marks, now_us = await self._marks.all(), micros(self._now())
        merged = {one for one, mark in marks.items() if not mark.needs_rows(now_us)} - {user_id}
        return [author for author in [user_id, *await self._graph.following(user_id)] if author not in merged]

    async def _walk(self, read: Callable[[int], Any], floor: int = 0) -> list[Entry]:
        found: list[Entry] = []
        while True:
            step: Sequence[Entry] = await read(found[-1].post_id if found else TOP)
            found += step
            if len(step) < _STEP or step[-1].post_id < floor:
                return [entry for entry in found if entry.post_id >= floor]
