"""A viewer's home feed as ids: candidates, newest first. What of it may be shown is decided when it is read."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any

from prometheus_client import Counter

from feed_service.model import TOP, Entry, Slice, may_have_posted_before, merge, oldest_kept, pack
from feed_service.service.newest import Newest
from feed_service.service.ports import Authors, Graph, Home, Posts, Shared, Tagged, Warm
from feed_service.service.rebuild import Rebuild
from feed_service.service.recent import Recent
from feed_service.service.viewers import Pulled, Viewer, Viewers

_FOLLOWING_SECONDS = 2.0
_PULLED_SECONDS = 1.0

SLICES = Counter("heliograph_feed_slices_total", "Parts of home feeds read, by where from", ["source"])
_WARM, _ROWS, _OLDER, _TRUTH = (SLICES.labels(source) for source in ("warm", "rows", "older", "truth"))


@dataclass(frozen=True, slots=True)
class Window:
    """Candidates as they follow one another, and who looks at them. `tagged`: posts with a tag that the viewer
    follows."""

    viewer: Viewer
    entries: Sequence[Entry]
    tagged: Collection[int] = ()


class Candidates:
    """Merges what was pushed to the viewer, own posts among it, with what is pulled: posts of followed authors above
    the threshold, and posts with followed tags.

    What was pushed is looked for where it is cheapest, from the newest down: the warm timeline in Redis, the rows in
    Cassandra, and for what is older than rows are kept, the posts themselves. Own posts whose media is being processed
    are in no row: wherever it is not the warm timeline that answers, own posts come from the posts themselves.
    """

    def __init__(
        self,
        home: Home,
        warm: Warm,
        authors: Authors,
        posts: Posts[Any],
        tagged: Tagged,
        graph: Graph,
        viewers: Viewers,
        rebuild: Rebuild,
        *,
        warm_cap: int,
        list_seconds: float,
        now: Callable[[], datetime],
        clock: Callable[[], float],
        shared: Shared | None = None,
    ) -> None:
        self._home, self._warm, self._posts, self._viewers = home, warm, posts, viewers
        self._rebuild, self._warm_cap, self._now = rebuild, warm_cap, now
        self._following = Recent(graph.following, seconds=_FOLLOWING_SECONDS, clock=clock)
        self._pulled = Recent[None, Pulled](
            lambda _: _the_pulled(authors), seconds=_PULLED_SECONDS, stale=_PULLED_SECONDS, clock=clock
        )
        of_author, with_tag = authors.slice, tagged.with_tag
        if shared:
            of_author, with_tag = shared.shared("author", of_author), shared.shared("tag", with_tag)
        self._of_author = Newest(of_author, seconds=list_seconds, clock=clock)
        self._with_tag = Newest(with_tag, seconds=list_seconds, clock=clock)

    async def stored(self, viewer_id: int, before: int, limit: int) -> Window:
        """Shorter than `limit` only at the end. Raises Unavailable CASSANDRA_UNAVAILABLE."""
        pulled = self._pulled.peek(None) or await self._pulled.get(None)
        part, viewer = await self._viewers.open(viewer_id, before, limit, pulled)
        slices = [await self._pushed(viewer_id, before, limit, part)]
        authors = [*viewer.pulled, viewer_id] if viewer_id in pulled.ids else viewer.pulled
        if authors:
            slices.append(await self._of_author.merged(authors, before, limit))
        return await self._with_tags(viewer, slices, before, limit)

    async def from_truth(self, viewer_id: int, before: int, limit: int) -> Window:
        """The same from the posts themselves, without any timeline."""
        _TRUTH.inc()
        _, viewer = await self._viewers.open(viewer_id, before, limit, None)
        return await self._from_posts(viewer, before, limit)

    async def by_definition(self, viewer_id: int, before: int, limit: int) -> Window:
        """The same, with relations from graph alone: what everything else is measured against."""
        return await self._from_posts(await self._viewers.exact(viewer_id), before, limit)

    async def _from_posts(self, viewer: Viewer, before: int, limit: int) -> Window:
        authors = [viewer.id, *await self._following.get(viewer.id)]
        return await self._with_tags(viewer, [await self._posts.newest(authors, before, limit)], before, limit)

    async def _with_tags(self, viewer: Viewer, slices: list[Sequence[Entry]], before: int, limit: int) -> Window:
        tags = viewer.relations.tags
        if not tags:
            return Window(viewer, merge(slices, limit))
        tagged = await self._with_tag.each(tags, before, limit)
        return Window(viewer, merge([*slices, *tagged], limit), {entry.post_id for part in tagged for entry in part})

    async def _pushed(self, viewer_id: int, before: int, limit: int, part: Slice | None) -> Sequence[Entry]:
        """`part` is what the warm timeline has, None if it is cold."""
        if part is None:
            part = await self._cold(viewer_id, before, limit)
        else:
            _WARM.inc()
        if len(part.entries) == limit:
            return part.entries
        entries = list(part.entries)
        if part.floor is None:  # the warm timeline was cut at its cap
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
        """With own posts among them."""
        _ROWS.inc()
        oldest = oldest_kept(self._now())
        (rows, complete_from), own = await asyncio.gather(
            self._complete(viewer_id, before, oldest, limit), self._posts.newest([viewer_id], before, limit)
        )
        floor = max(complete_from, oldest)
        entries = merge([[entry for entry in part if entry.post_id >= floor] for part in (rows, own)], limit)
        return Slice(entries, floor if len(entries) < limit else None)

    async def _complete(self, viewer_id: int, before: int, floor: int, limit: int) -> tuple[Sequence[Entry], int]:
        """Rows, and from where on they are complete. Rows first: if they still count as complete after that, nothing
        had been left out of them (service/idle.py)."""
        rows = await self._home.slice(viewer_id, before, floor, limit)
        complete_from = await self._home.complete_from(viewer_id)
        if complete_from is not None:
            return rows, complete_from
        complete_from = await self._rebuild.newest(viewer_id, self._warm_cap)
        return await self._home.slice(viewer_id, before, floor, limit), complete_from

    async def _older(self, viewer_id: int, before: int, limit: int) -> Sequence[Entry]:
        """Below what rows hold. Accounts that are younger than that have no posts there."""
        followees = await self._following.get(viewer_id)
        authors = [author for author in [viewer_id, *followees] if may_have_posted_before(author, before)]
        if not authors:
            return ()
        _OLDER.inc()
        return await self._posts.newest(authors, before, limit)


async def _the_pulled(authors: Authors) -> Pulled:
    ids = await authors.pulled()
    return Pulled(ids, blake2b(pack(sorted(ids)), digest_size=8).hexdigest().encode() if ids else b"")
