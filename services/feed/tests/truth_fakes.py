"""The graph and post services over one truth in memory."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from feed_service.model import Demand, Entry, Piece, Relation, Relations, pack, piece
from kit.errors import Unavailable

from services.feed.tests.definition import Audience, Pair, Truth


@dataclass
class FakeGraph:
    truth: Truth = field(default_factory=Truth)
    is_down: bool = False
    asked: list[int] = field(default_factory=list[int])
    """For whose relations."""

    @property
    def follows(self) -> set[Pair]:
        return self.truth.follows

    @follows.setter
    def follows(self, pairs: set[Pair]) -> None:
        self.truth.follows = pairs

    @property
    def mutes(self) -> set[Pair]:
        return self.truth.mutes

    @mutes.setter
    def mutes(self, pairs: set[Pair]) -> None:
        self.truth.mutes = pairs

    async def relations_of(self, user_id: int) -> Relations:
        self._ask()
        self.asked.append(user_id)
        truth, known = self.truth, dict[int, Relation]()
        pairs = truth.follows | truth.mutes | truth.blocks | truth.close_friends
        for other in {one for pair in pairs if user_id in pair for one in pair} - {user_id}:
            blocked = {(user_id, other), (other, user_id)} & truth.blocks
            known[other] = Relation(
                following=(user_id, other) in truth.follows,
                muting=(user_id, other) in truth.mutes,
                blocked=bool(blocked),
                close_friend=(other, user_id) in truth.close_friends,
            )
        tags = sorted(tag for user, tag in truth.followed_tags if user == user_id)
        blocked = frozenset(one for one, relation in known.items() if relation.blocked)
        return Relations(known, whole=True, tags=tags, blocked=blocked)

    async def following(self, user_id: int) -> Sequence[int]:
        self._ask()
        return sorted(followee for follower, followee in self.truth.follows if follower == user_id)

    async def followers(self, author_id: int) -> int:
        return len(self._followers(author_id))

    async def follower_page(self, author_id: int, after: int, size: int) -> tuple[bytes, int]:
        rest = [one for one in self._followers(author_id) if one > after]
        return pack(rest[:size]), rest[size - 1] if len(rest) > size else 0

    def _followers(self, author_id: int) -> list[int]:
        return sorted(follower for follower, followee in self.truth.follows if followee == author_id)

    def _ask(self) -> None:
        if self.is_down:
            raise down("GRAPH")


@dataclass
class FakePosts:
    """Posts are their own ids."""

    truth: Truth = field(default_factory=Truth)
    is_down: bool = False
    asked: list[Sequence[int]] = field(default_factory=list[Sequence[int]])
    """For which pieces."""
    counted: list[Sequence[int]] = field(default_factory=list[Sequence[int]])
    """For whose counts."""
    comments: dict[int, list[int]] = field(default_factory=dict[int, list[int]])
    """Who wrote those of a post."""
    publishes: bool = True
    """Whether what is committed gets to Kafka."""

    @property
    def authors(self) -> dict[int, int]:
        return self.truth.authors

    @property
    def hidden(self) -> set[int]:
        return self.truth.pending

    async def newest(self, author_ids: Sequence[int], before: int, limit: int) -> Sequence[Entry]:
        self._ask()
        wanted = set(author_ids)
        found = [Entry(post, author) for post, author in self.authors.items() if author in wanted and post < before]
        return sorted(found, reverse=True)[:limit]

    async def with_tag(self, tag: str, before: int, limit: int) -> Sequence[Entry]:
        self._ask()
        found = [
            Entry(post, self.authors[post])
            for post, tags in self.truth.tags.items()
            if tag in tags and post in self.authors and post < before and post not in self.truth.pending
        ]
        return sorted(found, reverse=True)[:limit]

    async def visible(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, int]:
        assert 0 < len(ids) <= 200
        self._ask()
        return {post: post for post in ids if post in self.authors}

    async def pieces(self, ids: Sequence[int]) -> Mapping[int, Piece]:
        assert 0 < len(ids) <= 200
        self._ask()
        self.asked.append(ids)
        return {post: self._piece(post) for post in ids if post in self.authors}

    async def counts(self, ids: Sequence[int]) -> Mapping[int, tuple[int, int]]:
        assert 0 < len(ids) <= 200
        self._ask()
        self.counted.append(ids)
        return dict.fromkeys(ids, (0, 0))

    async def liked(self, user_id: int, ids: Sequence[int]) -> frozenset[int]:
        assert 0 < len(ids) <= 200
        self._ask()
        return frozenset(post for post in ids if (user_id, post) in self.truth.likes)

    async def newest_likes(self, user_id: int, limit: int) -> tuple[Sequence[tuple[int, int]], int]:
        self._ask()
        likes = sorted(((post, at) for (user, post), at in self.truth.likes.items() if user == user_id), reverse=True)
        return likes[:limit], likes[limit - 1][0] if len(likes) >= limit else 0

    def demand(self, post: int) -> Demand:
        author, audience = self.authors[post], self.truth.audience(post)
        return Demand(
            author=post in self.truth.pending or author in self.truth.inactive,
            follower=author in self.truth.private or audience is Audience.FOLLOWERS,
            close_friend=audience is Audience.CLOSE_FRIENDS,
        )

    def _piece(self, post: int) -> Piece:
        author = self.authors[post]
        tags = sorted(self.truth.tags.get(post, ()))
        return piece(
            Entry(post, author),
            self.demand(post),
            author=json.dumps({"id": str(author)}).encode(),
            body=b'"title":""',
            tags=tags,
        )

    def _ask(self) -> None:
        if self.is_down:
            raise down("POST")


def down(server: str) -> Unavailable:
    return Unavailable(f"{server}_UNAVAILABLE", "a backing service is not available", retry_after=1)
