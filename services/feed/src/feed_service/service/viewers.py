"""What a read knows of its viewer: relations and likes, from what is kept at hand, else from graph and post."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kit import log
from kit.errors import Unavailable
from kit.ids import first_at
from prometheus_client import Counter

from feed_service.model import STRANGER, Glance, Likes, Relation, Relations, Slice
from feed_service.service.flights import Flights
from feed_service.service.ports import Engagements, Graph, Views

_LIKES_BUILT = 500  # posts
_AWAY = Glance(away=True)
_UNKNOWN = b"?"  # stamp of no set
_COMMITTED = timedelta(minutes=1)  # a change whose id is older than that is in truth for sure, if it ever will be

VIEWS = Counter(
    "heliograph_feed_views_total", "Views of viewers looked at, by whether they were there", ["view", "outcome"]
)
_RELATIONS_HIT, _RELATIONS_BUILT = (VIEWS.labels("relations", outcome) for outcome in ("hit", "rebuild"))
_LIKES_HIT, _LIKES_MISS = (VIEWS.labels("likes", outcome) for outcome in ("hit", "miss"))

logger = log.get(__name__)


@dataclass(frozen=True, slots=True)
class Pulled:
    """The authors who are merged at read. `stamp` names the set: the same for the same authors."""

    ids: frozenset[int]
    stamp: bytes

    def followed(self, known: Mapping[int, Relation]) -> Sequence[int]:
        return tuple(one for one in self.ids if one in known and known[one].following)


@dataclass(slots=True)
class Viewer:
    """One account, for the time of one look at its feed: never kept longer. `known` grows as more has to be known; the
    viewer is in it."""

    id: int
    relations: Relations
    likes: Likes | None
    known: dict[int, Relation]

    @property
    def pulled(self) -> Sequence[int]:
        """Whom the viewer follows and who is merged at read."""
        return self.relations.pulled or ()


class Viewers:
    def __init__(self, views: Views, graph: Graph, engagements: Engagements, *, now: Callable[[], datetime]) -> None:
        self._views, self._graph, self._engagements, self._now = views, graph, engagements, now
        self._loading = Flights[tuple[int, bytes], Relations]()
        self._building = Flights[int, None]()

    async def open(self, viewer_id: int, before: int, limit: int, pulled: Pulled | None) -> tuple[Slice | None, Viewer]:
        """The part of the warm timeline, None if it is cold, and what is known of the viewer without asking for more.
        Without `pulled` nobody is said to be. Raises Unavailable GRAPH_UNAVAILABLE."""
        glance = await self._views.glance(viewer_id, before, limit, pulled.stamp if pulled else _UNKNOWN)
        relations = glance.relations
        if relations is None:
            relations = await self._whole(viewer_id, glance, pulled)
        else:
            _RELATIONS_HIT.inc()
            if relations.pulled is None and pulled is not None:
                relations = await self._with_pulled(viewer_id, relations, pulled)
        if glance.likes is None:
            self._building.begin(viewer_id, lambda: self._build_likes(viewer_id))
        return glance.timeline, _viewer(viewer_id, relations, glance.likes)

    async def exact(self, viewer_id: int) -> Viewer:
        """From graph alone, past what is kept at hand. Raises Unavailable GRAPH_UNAVAILABLE."""
        return _viewer(viewer_id, await self._graph.relations_of(viewer_id), None)

    async def know(self, viewer: Viewer, accounts: Iterable[int]) -> None:
        """Makes the viewer's relations to the accounts known. Raises Unavailable GRAPH_UNAVAILABLE."""
        known = viewer.known
        unknown = [one for one in accounts if one not in known]
        if not unknown:
            return
        found: Mapping[int, Relation] | None = {}
        if not viewer.relations.whole:
            found = await self._views.relations(viewer.id, unknown)
        if found is None:
            found = (await self._whole(viewer.id, _AWAY, None)).known
        known.update((one, found.get(one, STRANGER)) for one in unknown)

    async def liked(self, viewer: Viewer, posts: Sequence[int]) -> Collection[int]:
        """Those of the posts that the viewer likes; others may be among them. Raises Unavailable POST_UNAVAILABLE."""
        likes = viewer.likes
        if not posts:
            return ()
        if likes is not None and min(posts) >= likes.floor:
            _LIKES_HIT.inc()
            return likes.posts
        _LIKES_MISS.inc()
        if likes is None:
            return await self._engagements.liked(viewer.id, posts)
        return likes.posts | await self._engagements.liked(viewer.id, [post for post in posts if post < likes.floor])

    async def _whole(self, viewer_id: int, glance: Glance, pulled: Pulled | None) -> Relations:
        """Those who find the same closing share a load: it began after the change that closed. Who could not look for
        one loads alone: a load under way may be from before a change."""
        if glance.away:
            relations = await self._load(viewer_id, glance, pulled)
        else:
            key = (viewer_id, glance.closed)
            relations = await self._loading.join(key, lambda: self._load(viewer_id, glance, pulled))
        return replace(relations, pulled=pulled.followed(relations.known) if pulled else None)

    async def _load(self, viewer_id: int, glance: Glance, pulled: Pulled | None) -> Relations:
        _RELATIONS_BUILT.inc()
        relations = await self._graph.relations_of(viewer_id)
        if not (glance.closed or glance.away):
            followed = pulled.followed(relations.known) if pulled else ()
            await self._views.fill(viewer_id, relations, followed, pulled.stamp if pulled else _UNKNOWN)
        return relations

    async def _with_pulled(self, viewer_id: int, relations: Relations, pulled: Pulled) -> Relations:
        """For another set of pulled authors than the view was made for."""
        found = await self._views.find_pulled(viewer_id, sorted(pulled.ids), pulled.stamp)
        if found is None:
            return await self._whole(viewer_id, _AWAY, pulled)
        return replace(relations, known={**relations.known, **found}, pulled=tuple(found))

    async def _build_likes(self, viewer_id: int) -> None:
        """Nobody waits for it."""
        since = first_at(self._now() - _COMMITTED)
        build = await self._views.begin_likes(viewer_id)
        if build is None:
            return
        try:
            likes, floor = await self._engagements.newest_likes(viewer_id, _LIKES_BUILT)
        except Unavailable as error:
            logger.warning("likes not built", reason=error.reason)
            return
        await self._views.finish_likes(viewer_id, build, likes, floor, since)


def _viewer(viewer_id: int, relations: Relations, likes: Likes | None) -> Viewer:
    known = dict(relations.known)
    known[viewer_id] = STRANGER
    return Viewer(viewer_id, relations, likes, known)
