"""What the ranked order needs, in memory."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from feed_service.model import Entry
from feed_service.model.ranking import Interaction, PostFacts, RankedPost, Ranking
from feed_service.service.ranker import Ranker
from feed_service.service.seen import Seen
from feed_service.service.top import TopFeed, TopPage
from feed_service.service.top_ports import Served, Ties
from feed_service.service.why import Why

from services.feed.tests.fakes import Clock, down

VIEWER = 1


@dataclass
class FakeFeed:
    """A chronological feed: `posts` by id, `hidden` may not be seen, `elsewhere` may but are in no feed."""

    posts: dict[int, PostFacts] = field(default_factory=dict[int, PostFacts])
    hidden: set[int] = field(default_factory=set[int])
    elsewhere: set[int] = field(default_factory=set[int])
    degraded: bool = False
    known: frozenset[int] = frozenset()

    async def candidates(self, viewer_id: int, before: int, limit: int) -> tuple[Sequence[Entry], bool]:
        entries = [Entry(one.post_id, one.author_id) for one in self.posts.values() if one.post_id < before]
        return sorted(entries, reverse=True)[:limit], self.degraded

    async def shown(self, viewer_id: int, entries: Sequence[Entry]) -> Mapping[int, bytes]:
        assert len(entries) <= 200
        ids = [entry.post_id for entry in entries]
        return {one: b"%d" % one for one in ids if one in self.posts and one not in self.hidden | self.elsewhere}

    async def visible(self, viewer_id: int, entries: Sequence[Entry]) -> Collection[int]:
        return (await self.shown(viewer_id, entries)).keys()

    async def ties(self, viewer_id: int, accounts: Collection[int]) -> Ties:
        return Ties(self.known & frozenset(accounts))


@dataclass
class FakePosts:
    """The posts' own service: it knows what may be seen, not where."""

    feed: FakeFeed

    async def visible(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, int]:
        assert 0 < len(ids) <= 200
        return {one: one for one in ids if one in self.feed.posts and one not in self.feed.hidden}


@dataclass
class FakeFacts:
    feed: FakeFeed

    async def of_posts(self, post_ids: Sequence[int]) -> Sequence[PostFacts]:
        return [self.feed.posts[one] for one in post_ids if one in self.feed.posts]

    async def contents(self, post_ids: Sequence[int]) -> Mapping[int, PostFacts]:
        return {one.post_id: replace(one, commenters=()) for one in await self.of_posts(post_ids)}


@dataclass
class FakeRedis:
    """Interests, seen posts and sessions."""

    clock: Clock
    log: dict[str, Interaction] = field(default_factory=dict[str, Interaction])
    seen: dict[int, datetime] = field(default_factory=dict[int, datetime])
    sessions: dict[bytes, Ranking] = field(default_factory=dict[bytes, Ranking])
    is_down: bool = False

    async def record(self, viewer_id: int, done: Mapping[str, Interaction]) -> None:
        self._ask()
        for name, one in done.items():
            if name not in self.log or self.log[name].change_id < one.change_id:
                self.log[name] = one

    async def of(self, viewer_id: int) -> Sequence[Interaction]:
        self._ask()
        return list(self.log.values())

    async def mark(self, viewer_id: int, post_ids: Sequence[int]) -> int:
        self._ask()
        new = [one for one in post_ids if one not in self.seen]
        self.seen.update(dict.fromkeys(new, self.clock.now()))
        return len(new)

    async def among(self, viewer_id: int, post_ids: Sequence[int], by: datetime) -> frozenset[int]:
        self._ask()
        return frozenset(one for one in post_ids if one in self.seen and self.seen[one] <= by)

    async def save(self, viewer_id: int, ranking: Ranking) -> None:
        self._ask()
        self.sessions[ranking.session] = ranking

    async def posts(self, viewer_id: int, session: bytes, start: int, count: int) -> Sequence[RankedPost] | None:
        self._ask()
        found = self.sessions.get(session)
        return found.posts[start : start + count] if found else None

    def _ask(self) -> None:
        if self.is_down:
            raise down("REDIS")


@dataclass
class FakeImpressions:
    pages: list[Served] = field(default_factory=list[Served])
    marked: list[tuple[Sequence[int], str]] = field(default_factory=list[tuple[Sequence[int], str]])

    def served(self, page: Served) -> None:
        self.pages.append(page)

    async def seen(self, viewer_id: int, post_ids: Sequence[int], order: str, at: datetime) -> None:
        self.marked.append((post_ids, order))


@dataclass
class TopWorld:
    """One viewer's ranked feed."""

    days: int = 3
    most: int = 500
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.feed, self.redis, self.impressions = FakeFeed(), FakeRedis(self.clock), FakeImpressions()
        self.facts = FakeFacts(self.feed)
        now = self.clock.now
        ranker = Ranker(self.feed, self.facts, self.redis, self.redis, days=self.days, most=self.most)
        self.top = TopFeed(self.feed, ranker, self.redis, self.impressions, now=now)
        self.why = Why(self.feed, self.facts, FakePosts(self.feed), ranker, now=now)
        self.marking = Seen(FakePosts(self.feed), self.redis, self.impressions, now=now)

    def publish(self, author_id: int = 2, **facts: object) -> int:
        post_id = self.clock.next_id()
        self.feed.posts[post_id] = PostFacts(post_id, author_id, **facts)  # pyright: ignore[reportArgumentType]
        return post_id

    def change(self, post_id: int, **facts: object) -> None:
        self.feed.posts[post_id] = replace(self.feed.posts[post_id], **facts)  # pyright: ignore[reportArgumentType]

    async def page(self, size: int = 3, token: str = "") -> TopPage:
        return await self.top.page(VIEWER, size, token)

    async def read(self, size: int = 3, token: str = "") -> list[int]:
        """To the end, from a token on."""
        page = await self.page(size, token)
        items = list(page.items)
        while page.next_token:
            assert len(page.items) == size
            page = await self.page(size, page.next_token)
            assert page.items
            items += page.items
        return ids_of(items)


def ids_of(items: Sequence[bytes]) -> list[int]:
    return [int(item) for item in items]
