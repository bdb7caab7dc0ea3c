"""A viewer's home feed as ids: candidates, newest first. What of it may be shown is decided when it is read."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from prometheus_client import Counter

from feed_service.model import TOP, Entry, Slice, may_have_posted_before, merge, oldest_kept
from feed_service.service.ports import Authors, Graph, Home, Posts, Warm
from feed_service.service.rebuild import Rebuild
from feed_service.service.recent import Recent

_FOLLOWING_SECONDS = 2.0
_PULLED_SECONDS = 1.0

SLICES = Counter("heliograph_feed_slices_total", "Parts of home feeds read, by where from", ["source"])


class Candidates:
    """Merges what was pushed to the viewer with what is pulled: own posts and those of authors above the threshold.

    What was pushed is looked for where it is cheapest, from the newest down: the warm timeline in Redis, the rows in
    Cassandra, and for what is older than rows are kept, the posts themselves.
    """

    def __init__(
        self,
        home: Home,
        warm: Warm,
        authors: Authors,
        posts: Posts[Any],
        graph: Graph,
        rebuild: Rebuild,
        *,
        warm_cap: int,
        now: Callable[[], datetime],
        clock: Callable[[], float],
    ) -> None:
        self._home, self._warm, self._authors, self._posts = home, warm, authors, posts
        self._rebuild, self._warm_cap, self._now = rebuild, warm_cap, now
        self._following = Recent(graph.following, seconds=_FOLLOWING_SECONDS, clock=clock)
        self._pulled = Recent[None, frozenset[int]](lambda _: authors.pulled(), seconds=_PULLED_SECONDS, clock=clock)

    async def stored(self, viewer_id: int, before: int, limit: int) -> Sequence[Entry]:
        """Shorter than `limit` only at the end. Raises Unavailable CASSANDRA_UNAVAILABLE."""
        pulled = await self._pulled_followees(viewer_id)
        slices = await asyncio.gather(
            self._pushed(viewer_id, before, limit),
            # Own posts from truth: they are there at once, those whose media is still being processed too.
            self._posts.newest([viewer_id], before, limit),
            *(self._authors.slice(author, before, limit) for author in pulled),
        )
        return merge(slices, limit)

    async def from_truth(self, viewer_id: int, before: int, limit: int) -> Sequence[Entry]:
        """The same from the posts themselves, without any timeline."""
        SLICES.labels("truth").inc()
        return await self._posts.newest([viewer_id, *await self._following.get(viewer_id)], before, limit)

    async def _pulled_followees(self, viewer_id: int) -> Sequence[int]:
        pulled = await self._pulled.get(None)
        return [author for author in await self._following.get(viewer_id) if author in pulled] if pulled else []

    async def _pushed(self, viewer_id: int, before: int, limit: int) -> Sequence[Entry]:
        part = await self._warm.slice(viewer_id, before, limit)
        if part is None:
            part = await self._cold(viewer_id, before, limit)
        else:
            SLICES.labels("warm").inc()
        entries = list(part.entries)
        if len(entries) < limit and part.floor is None:  # the warm timeline was cut at its cap
            before = part.next_before(before)
            part = await self._rows(viewer_id, before, limit - len(entries))
            entries += part.entries
        if len(entries) < limit and part.floor is not None:
            entries += await self._older(viewer_id, part.next_before(before), limit - len(entries))
        return entries

    async def _cold(self, viewer_id: int, before: int, limit: int) -> Slice:
        """Whoever reads the first page warms the timeline up, one at a time."""
        build = await self._warm.begin(viewer_id) if before == TOP else None
        if build is None:
            return await self._rows(viewer_id, before, limit)
        rows = await self._rows(viewer_id, TOP, max(limit, self._warm_cap))
        await self._warm.finish(viewer_id, build, rows)
        return rows.first(limit)

    async def _rows(self, viewer_id: int, before: int, limit: int) -> Slice:
        SLICES.labels("rows").inc()
        complete_from = await self._home.complete_from(viewer_id)
        if complete_from is None:
            complete_from = await self._rebuild.newest(viewer_id, self._warm_cap)
        floor = max(complete_from, oldest_kept(self._now()))
        entries = await self._home.slice(viewer_id, before, floor, limit)
        return Slice(entries, floor if len(entries) < limit else None)

    async def _older(self, viewer_id: int, before: int, limit: int) -> Sequence[Entry]:
        """Below what rows hold. Accounts that are younger than that have no posts there."""
        followees = await self._following.get(viewer_id)
        authors = [author for author in followees if may_have_posted_before(author, before)]
        if not authors:
            return ()
        SLICES.labels("older").inc()
        return await self._posts.newest(authors, before, limit)
