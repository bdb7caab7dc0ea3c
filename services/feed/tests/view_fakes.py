"""What is kept at hand of viewers, in memory, with the behaviour that the real one promises."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from feed_service.model import STRANGER, Glance, Likes, Relation, Relations

from services.feed.tests.fakes import Clock, FakeWarm, down

CLOSED = timedelta(seconds=10)


@dataclass
class LikesView:
    """`floor` is None while it is being built."""

    changes: dict[int, tuple[int, bool]] = field(default_factory=dict[int, tuple[int, bool]])
    floor: int | None = None
    since: int = 0

    def apply(self, post: int, change: int, *, liked: bool, since: int) -> None:
        old = self.changes.get(post)
        if old[0] >= change if old else change < since:
            return
        self.changes[post] = (change, liked)


@dataclass
class FakeViews:
    """Timelines are those of `warm`, and down together with it."""

    warm: FakeWarm
    clock: Clock = field(default_factory=Clock)
    kept: dict[int, tuple[Relations, bytes]] = field(default_factory=dict[int, tuple[Relations, bytes]])
    closed: dict[int, datetime] = field(default_factory=dict[int, datetime])
    likes: dict[int, LikesView] = field(default_factory=dict[int, LikesView])

    async def glance(self, user_id: int, before: int, limit: int, stamp: bytes) -> Glance:
        if self.warm.is_down:
            return Glance(away=True)
        timeline = self.warm.read(user_id, before, limit)
        lowest = timeline.entries[-1].post_id if timeline and len(timeline.entries) == limit else 0
        return Glance(
            timeline,
            self._relations(user_id, stamp),
            self._likes(user_id, before, lowest),
            str(self.closed[user_id]).encode() if self._is_closed(user_id) else b"",
        )

    async def relations(self, user_id: int, ids: Sequence[int]) -> Mapping[int, Relation] | None:
        if self.warm.is_down or user_id not in self.kept:
            return None
        known = self.kept[user_id][0].known
        return {one: known.get(one, STRANGER) for one in ids}

    async def find_pulled(self, user_id: int, ids: Sequence[int], stamp: bytes) -> Mapping[int, Relation] | None:
        found = await self.relations(user_id, ids)
        if found is None:
            return None
        followed = {one: relation for one, relation in found.items() if relation.following}
        self.kept[user_id] = (replace(self.kept[user_id][0], pulled=tuple(followed)), stamp)
        return followed

    async def fill(self, user_id: int, relations: Relations, pulled: Sequence[int], stamp: bytes) -> None:
        if not self.warm.is_down and not self._is_closed(user_id):
            self.kept[user_id] = (replace(relations, whole=False, pulled=tuple(pulled)), stamp)

    async def close_relations(self, user_id: int) -> None:
        self._ask()
        self.kept.pop(user_id, None)
        self.closed[user_id] = self.clock.now() + CLOSED

    async def like(self, user_id: int, post_id: int, change_id: int, *, liked: bool) -> None:
        self._ask()
        if view := self.likes.get(user_id):
            view.apply(post_id, change_id, liked=liked, since=view.since)

    async def begin_likes(self, user_id: int) -> str | None:
        if self.warm.is_down or user_id in self.likes:
            return None
        self.likes[user_id] = LikesView()
        return str(user_id)

    async def finish_likes(
        self, user_id: int, build: str, likes: Sequence[tuple[int, int]], floor: int, since: int
    ) -> None:
        view = self.likes.get(user_id)
        if self.warm.is_down or view is None:
            return
        for post, change in likes:
            view.apply(post, change, liked=True, since=0)
        view.floor, view.since = floor, since

    async def forget(self, user_id: int) -> None:
        self._ask()
        self.kept.pop(user_id, None)
        self.likes.pop(user_id, None)

    def lose(self) -> None:
        """As when Redis starts empty."""
        self.warm.timelines.clear()
        self.warm.builds.clear()
        self.kept.clear()
        self.closed.clear()
        self.likes.clear()

    def _relations(self, user_id: int, stamp: bytes) -> Relations | None:
        """All of them: that who is asked for is known says nothing about the others."""
        if user_id not in self.kept:
            return None
        relations, of = self.kept[user_id]
        return relations if of == stamp else replace(relations, pulled=None)

    def _likes(self, user_id: int, before: int, lowest: int) -> Likes | None:
        view = self.likes.get(user_id)
        if view is None or view.floor is None:
            return None
        liked = {post for post, (_, is_liked) in view.changes.items() if is_liked and lowest <= post < before}
        return Likes(frozenset(liked), max(view.floor, lowest))

    def _is_closed(self, user_id: int) -> bool:
        return user_id in self.closed and self.clock.now() < self.closed[user_id]

    def _ask(self) -> None:
        if self.warm.is_down:
            raise down("REDIS")
