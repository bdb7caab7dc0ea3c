"""Reading a home feed."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from kit.errors import Unavailable
from prometheus_client import Counter

from feed_service.model import Entry, Relation
from feed_service.service.candidates import Candidates
from feed_service.service.ports import Graph, Posts

P = TypeVar("P")
Skeleton = Callable[[int, int, int], Awaitable[Sequence[Entry]]]

_MOST_AT_ONCE = 200  # ids that the other services take in one call

PAGES = Counter("heliograph_feed_pages_total", "Pages of home feeds served", ["degraded"])
HIDDEN = Counter("heliograph_feed_hidden_candidates_total", "Candidates that the viewer may not see any more")


@dataclass(frozen=True)
class Page(Generic[P]):
    """`next_token` is empty at the end."""

    posts: Sequence[P]
    next_token: str
    degraded: bool


class HomeFeed(Generic[P]):
    """P is a post as its service hands it out: nothing here looks into it."""

    def __init__(self, candidates: Candidates, posts: Posts[P], graph: Graph) -> None:
        self._candidates, self._posts, self._graph = candidates, posts, graph

    async def page(self, viewer_id: int, size: int, before: int) -> Page[P]:
        """The newest `size` posts below `before`; fewer only at the end. Without Cassandra the page is put together
        from the posts themselves and says that it is degraded. Raises Unavailable when graph or post are down."""
        try:
            page = await self._page(viewer_id, size, before, self._candidates.stored)
        except Unavailable as error:
            if error.reason != "CASSANDRA_UNAVAILABLE":
                raise
            page = await self._page(viewer_id, size, before, self._candidates.from_truth, degraded=True)
        PAGES.labels(page.degraded).inc()
        return page

    async def _page(
        self, viewer_id: int, size: int, before: int, skeleton: Skeleton, *, degraded: bool = False
    ) -> Page[P]:
        """Looks one post ahead: there is a next page exactly when somebody can see something on it."""
        shown: list[tuple[Entry, P]] = []
        limit = size + 1
        while len(shown) <= size:
            entries = await skeleton(viewer_id, before, limit)
            shown += await self._visible(viewer_id, entries)
            if len(entries) < limit:
                break
            before, limit = entries[-1].post_id, min(2 * limit, _MOST_AT_ONCE)
        token = str(shown[size - 1][0].post_id) if len(shown) > size else ""
        return Page([post for _, post in shown[:size]], token, degraded)

    async def _visible(self, viewer_id: int, entries: Sequence[Entry]) -> Sequence[tuple[Entry, P]]:
        """Those whose author the viewer still follows and whose post the viewer may see now, in the same order."""
        if not entries:
            return ()
        authors = sorted({entry.author_id for entry in entries} - {viewer_id})
        relations, posts = await asyncio.gather(
            self._relations(viewer_id, authors), self._posts.visible(viewer_id, [entry.post_id for entry in entries])
        )
        wanted = {viewer_id, *(author for author in authors if author in relations and relations[author].shows)}
        seen = [
            (entry, posts[entry.post_id]) for entry in entries if entry.author_id in wanted and entry.post_id in posts
        ]
        HIDDEN.inc(len(entries) - len(seen))
        return seen

    async def _relations(self, viewer_id: int, authors: Sequence[int]) -> Mapping[int, Relation]:
        return await self._graph.relations(viewer_id, authors) if authors else {}
