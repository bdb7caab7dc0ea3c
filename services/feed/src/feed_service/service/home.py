"""Reading a home feed, the newest first."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from kit.errors import Unavailable
from prometheus_client import Counter

from feed_service.model import Shown
from feed_service.service.candidates import Candidates, Window
from feed_service.service.ports import Posts
from feed_service.service.sight import Sight

P = TypeVar("P")
P_co = TypeVar("P_co", covariant=True)
Skeleton = Callable[[int, int, int], Awaitable[Window]]

_MOST_AT_ONCE = 200  # ids that the other services take in one call
MOST_LOOKED_AT = 2_000  # candidates for a page: others decide how many of them are hidden

PAGES = Counter("heliograph_feed_pages_total", "Pages of home feeds served", ["degraded"])
_WHOLE, _DEGRADED = (PAGES.labels(degraded) for degraded in (False, True))


@dataclass(frozen=True)
class Page(Generic[P]):
    """`next_token` is empty at the end."""

    posts: Sequence[P]
    next_token: str
    degraded: bool


class Showing(Protocol[P_co]):
    async def __call__(self, window: Window) -> tuple[Sequence[int], Sequence[P_co]]:
        """Those of the window that the viewer sees, in order, and their ids."""
        ...


def as_pieces(sight: Sight) -> Showing[Shown]:
    """Posts ready to be sent."""

    async def show(window: Window) -> tuple[Sequence[int], Sequence[Shown]]:
        seen = await sight.seen(window.viewer, window.entries, window.tagged)
        return [one.piece.entry.post_id for one in seen], seen

    return show


def as_posts(sight: Sight, posts: Posts[P]) -> Showing[P]:
    """P is a post as its service hands it out: nothing here looks into it."""

    async def show(window: Window) -> tuple[Sequence[int], Sequence[P]]:
        seen = await sight.seen(window.viewer, window.entries, window.tagged)
        ids = [one.piece.entry.post_id for one in seen]
        if not ids:
            return (), ()
        found = await posts.visible(window.viewer.id, ids)
        left = [post_id for post_id in ids if post_id in found]
        return left, [found[post_id] for post_id in left]

    return show


class HomeFeed(Generic[P]):
    def __init__(self, candidates: Candidates, show: Showing[P]) -> None:
        self._candidates, self._show = candidates, show

    async def page(self, viewer_id: int, size: int, before: int) -> Page[P]:
        """The newest `size` posts below `before`; fewer only at the end, and where the next is 2,000 candidates away or
        more. Without Cassandra the page is put together from the posts themselves and says that it is degraded. Raises
        Unavailable when graph or post are down."""
        try:
            page = await self._page(viewer_id, size, before, self._candidates.stored)
        except Unavailable as error:
            if error.reason != "CASSANDRA_UNAVAILABLE":
                raise
            page = await self._page(viewer_id, size, before, self._candidates.from_truth, degraded=True)
        (_DEGRADED if page.degraded else _WHOLE).inc()
        return page

    async def page_by(self, skeleton: Skeleton, viewer_id: int, size: int, before: int) -> Page[P]:
        """The same from one source, whatever that costs. Raises Unavailable when it is down."""
        return await self._page(viewer_id, size, before, skeleton)

    async def _page(
        self, viewer_id: int, size: int, before: int, skeleton: Skeleton, *, degraded: bool = False
    ) -> Page[P]:
        """Looks one post ahead: there is a next page exactly when somebody can see something on it."""
        shown: list[int] = []
        posts: list[P] = []
        limit, looked, over = size + 1, 0, False
        while len(shown) <= size and not over:
            window = await skeleton(viewer_id, before, limit)
            some_ids, some_posts = await self._show(window)
            shown += some_ids
            posts += some_posts
            if len(window.entries) < limit:
                break
            looked += limit
            before, limit, over = window.entries[-1].post_id, min(2 * limit, _MOST_AT_ONCE), looked >= MOST_LOOKED_AT
        last = str(before) if over else ""
        token = str(shown[size - 1]) if len(shown) > size else last
        return Page(posts[:size], token, degraded)
