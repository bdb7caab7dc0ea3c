"""Reading the ranked feed: a ranking page by page, then the rest, newest first."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from kit.errors import Unavailable
from prometheus_client import Counter

from feed_service.model import TOP, Entry
from feed_service.model.ranking import RankedPost, Ranking
from feed_service.model.ranking.tokens import Ranked, Rest, mark_of_post, read, write
from feed_service.service.home import MOST_LOOKED_AT
from feed_service.service.ranker import Ranker
from feed_service.service.top_ports import Feed, Impressions, Served, Sessions

_MOST_AT_ONCE = 200

PAGES = Counter("heliograph_feed_top_pages_total", "Pages of ranked feeds served", ["kind"])


@dataclass(frozen=True, slots=True)
class TopPage:
    """`items` are JSON. `next_token` is empty at the end."""

    items: Sequence[bytes]
    next_token: str
    degraded: bool


@dataclass(frozen=True, slots=True)
class _Shown:
    """`position` in the ranking."""

    position: int
    post: RankedPost
    item: bytes


class SessionLost(Unavailable):
    """The ranking is not there any more. Lost once more right after it was made, it is as good as no Redis."""

    def __init__(self) -> None:
        super().__init__("REDIS_UNAVAILABLE", "a backing service is not available", retry_after=1)


class TopFeed:
    """Every page is checked when it is served: a ranking is a list of candidates, too."""

    def __init__(
        self, feed: Feed, ranker: Ranker, sessions: Sessions, impressions: Impressions, *, now: Callable[[], datetime]
    ) -> None:
        self._feed, self._ranker, self._sessions = feed, ranker, sessions
        self._impressions, self._now = impressions, now

    async def page(self, viewer_id: int, size: int, token: str) -> TopPage:
        """Fewer than `size` only at the end; no post twice, however deep. Without Redis it goes on, newest first, and
        says that it is degraded. Raises InvalidArgument BAD_PAGE_TOKEN, Unavailable when graph or post are down."""
        place = read(token)
        if isinstance(place, Rest):
            return await self._rest(viewer_id, size, place)
        try:
            return await self._in_ranking(viewer_id, size, place)
        except Unavailable as error:
            if error.reason != "REDIS_UNAVAILABLE":
                raise
        start = Rest(TOP, degraded=True)
        if place:
            start = Rest(place.before, 0 if place.cut else place.low, place.shown, degraded=True)
        return await self._rest(viewer_id, size, start)

    async def _in_ranking(self, viewer_id: int, size: int, place: Ranked | None) -> TopPage:
        """A ranking that is not there, or not any more, is made."""
        here = place or await self._kept(viewer_id, await self._ranker.newest(viewer_id, self._now()))
        try:
            return await self._ranked(viewer_id, size, here)
        except SessionLost:
            PAGES.labels("lost").inc()
            again = await self._kept(viewer_id, await self._ranker.again(viewer_id, here))
            cut = here.cut or again.low > here.low
            return await self._ranked(viewer_id, size, replace(again, shown=here.shown, cut=cut))

    async def _kept(self, viewer_id: int, ranking: Ranking) -> Ranked:
        await self._sessions.save(viewer_id, ranking)
        return Ranked(ranking.session, 0, ranking.as_of, ranking.before, ranking.low)

    async def _ranked(self, viewer_id: int, size: int, place: Ranked) -> TopPage:
        """Looks one post ahead, as the chronological feed does. Raises SessionLost."""
        shown: list[_Shown] = []
        position, limit = place.position, size + 1
        while len(shown) <= size:
            posts = await self._sessions.posts(viewer_id, place.session, position, limit)
            if posts is None:
                raise SessionLost
            shown += await self._checked(viewer_id, posts, position)
            if len(posts) < limit:
                break
            position, limit = position + limit, min(2 * limit, _MOST_AT_ONCE)
        page, ahead = shown[:size], shown[size:]
        self._tell(viewer_id, place, [one.post for one in page])
        items = [one.item for one in page]
        marks = place.shown | {mark_of_post(one.post.post_id) for one in page}
        if not ahead:
            return await self._then_the_rest(viewer_id, size, replace(place, shown=marks), items)
        PAGES.labels("ranked").inc()
        going_on = replace(place, position=ahead[0].position, shown=marks)
        return TopPage(items, write(going_on), degraded=False)

    async def _checked(self, viewer_id: int, posts: Sequence[RankedPost], position: int) -> Sequence[_Shown]:
        found = await self._feed.shown(viewer_id, [Entry(post.post_id, post.author_id) for post in posts])
        return [
            _Shown(position + at, post, found[post.post_id]) for at, post in enumerate(posts) if post.post_id in found
        ]

    async def _then_the_rest(self, viewer_id: int, size: int, place: Ranked, items: Sequence[bytes]) -> TopPage:
        """The ranking has ended: fills the page up with what is older than all of it."""
        missing = size - len(items)
        older = await self._rest(viewer_id, max(missing, 1), place.then)
        if missing:
            return TopPage([*items, *older.items], older.next_token, older.degraded)
        return TopPage(items, write(place.then) if older.items or older.next_token else "", older.degraded)

    async def _rest(self, viewer_id: int, size: int, place: Rest) -> TopPage:
        PAGES.labels("degraded" if place.degraded else "rest").inc()
        shown: list[tuple[Entry, bytes]] = []
        before, limit, degraded, looked, over = place.before, size + 1, place.degraded, 0, False
        while len(shown) <= size and not over:
            step, pulled = await self._feed.candidates(viewer_id, before, limit)
            entries = [entry for entry in step if not place.leaves_out(entry.post_id)]
            found = await self._feed.shown(viewer_id, entries)
            shown += [(entry, found[entry.post_id]) for entry in entries if entry.post_id in found]
            degraded = degraded or pulled
            if len(step) < limit:
                break
            looked += limit
            before, limit, over = step[-1].post_id, min(2 * limit, _MOST_AT_ONCE), looked >= MOST_LOOKED_AT
        items = [item for _, item in shown[:size]]
        if len(shown) <= size and not over:
            return TopPage(items, "", degraded)
        going_on = replace(place, before=shown[size - 1][0].post_id if len(shown) > size else before)
        return TopPage(items, write(going_on), degraded)

    def _tell(self, viewer_id: int, place: Ranked, posts: Sequence[RankedPost]) -> None:
        if posts:
            self._impressions.served(Served(viewer_id, place.session, place.position, posts, self._now()))
