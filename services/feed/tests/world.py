"""A small Heliograph in memory: what people do, heard by the real use cases over fake stores."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field

from feed_service.model import TOP, Chunk, Entry, Lane, compose, micros, parse_token
from feed_service.service.candidates import Candidates, Window
from feed_service.service.fanout import FanOut, Push
from feed_service.service.follows import Follows
from feed_service.service.fragments import Fragments
from feed_service.service.home import HomeFeed, Page, Showing, as_posts
from feed_service.service.notes import Notes
from feed_service.service.rebuild import Rebuild
from feed_service.service.sight import Sight
from feed_service.service.viewers import Viewers
from kit.ids import time_of

from services.feed.tests.definition import Truth, home_feed
from services.feed.tests.fakes import (
    Clock,
    FakeAuthors,
    FakeErased,
    FakeGraph,
    FakeHome,
    FakePosts,
    FakeTasks,
    FakeWarm,
)
from services.feed.tests.view_fakes import FakeViews


@dataclass(frozen=True)
class Process:
    """`feed` and `posts` are the same feed, from its bytes and from the post service's own posts."""

    fragments: Fragments
    feed: HomeFeed[int]
    posts: HomeFeed[int]


@dataclass
class World:
    warm_cap: int = 5
    threshold: int = 100
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.truth = Truth()
        self.graph, self.posts = FakeGraph(self.truth), FakePosts(self.truth)
        self.home, self.authors, self.tasks = FakeHome(self.clock), FakeAuthors(), FakeTasks()
        self.warm, self.erased = FakeWarm(self.warm_cap), FakeErased()
        self.views = FakeViews(self.warm, self.clock)
        self.notes = Notes(self.warm, self.views)
        now = self.clock.now
        self.rebuild = Rebuild(self.home, self.warm, self.authors, self.posts, self.graph, now=now)
        self.follows = Follows(self.home, self.warm, self.authors, self.tasks, now=now)
        self.push = Push(Lane.SMALL, self.home, self.warm, self.erased, self.tasks, now=now)

    def process(self) -> "Process":
        """A feed process of its own: nothing in memory from before."""
        viewers = Viewers(self.views, self.graph, self.posts, now=self.clock.now)
        fragments = Fragments(
            self.posts.pieces,
            seconds=2,
            most_bytes=1_000_000,
            clock=self.clock.seconds,
            spread=lambda low, high: (low + high) / 2,
        )
        candidates = Candidates(
            self.home,
            self.warm,
            self.authors,
            self.posts,
            self.posts,
            self.graph,
            viewers,
            self.rebuild,
            warm_cap=self.warm_cap,
            list_seconds=1,
            now=self.clock.now,
            clock=self.clock.seconds,
        )
        sight = Sight(viewers, fragments)
        return Process(
            fragments, HomeFeed(candidates, as_ids(sight)), HomeFeed(candidates, as_posts(sight, self.posts))
        )

    def server(self) -> HomeFeed[int]:
        return self.process().feed

    def account(self) -> int:
        return self.clock.next_id()

    def post(self, author_id: int) -> Entry:
        """Commits; nobody hears of it yet."""
        entry = Entry(self.clock.next_id(), author_id)
        self.posts.authors[entry.post_id] = author_id
        return entry

    async def publish(self, author_id: int) -> int:
        entry = self.post(author_id)
        await self.hear_published(entry)
        return entry.post_id

    async def hear_published(self, entry: Entry) -> None:
        """With a page of two followers, so that most audiences need several."""
        fan_out = FanOut(self.authors, self.graph, self.tasks, threshold=self.threshold, page=2)
        await fan_out.publish(entry, micros(time_of(entry.post_id)))
        while self.tasks.queue:
            task = self.tasks.queue.pop(0)
            if isinstance(task, Chunk):
                await self.push.write(task)
            else:
                await fan_out.go_on(task)

    async def catch_up(self) -> None:
        """What the late lane does once Redis is back."""
        while self.tasks.late:
            await self.push.warm_up(self.tasks.late.pop())

    async def delete(self, post_id: int) -> None:
        await self.hear_deleted(Entry(post_id, self.posts.authors.pop(post_id)), micros(self.clock.tick()))

    async def hear_deleted(self, entry: Entry, at_us: int) -> None:
        await FanOut(self.authors, self.graph, self.tasks, threshold=self.threshold, page=2).retract(entry, at_us)

    async def follow(self, follower_id: int, followee_id: int) -> None:
        self.graph.follows.add((follower_id, followee_id))
        await self.follows.followed(follower_id, followee_id, self.clock.next_id())

    async def unfollow(self, follower_id: int, followee_id: int) -> None:
        self.graph.follows.discard((follower_id, followee_id))
        await self.follows.unfollowed(follower_id, followee_id, self.clock.next_id())

    def oracle(self, viewer_id: int) -> list[int]:
        return home_feed(self.truth, viewer_id)

    async def pages(self, viewer_id: int, size: int = 2, feed: HomeFeed[int] | None = None) -> list[Page[int]]:
        """All pages, as a client reads them."""
        feed, pages = feed or self.server(), [Page[int]([], str(TOP), degraded=False)]
        while pages[-1].next_token:
            pages.append(await feed.page(viewer_id, size, parse_token(pages[-1].next_token)))
        return pages[1:]

    async def read(self, viewer_id: int, size: int = 2) -> list[int]:
        return [post for page in await self.pages(viewer_id, size) for post in page.posts]


def as_ids(sight: Sight) -> Showing[int]:
    """Read from what clients get."""

    async def show(window: Window) -> Sequence[tuple[int, int]]:
        seen = await sight.seen(window.viewer, window.entries, window.tagged)
        ids = [int(post["id"]) for post in json.loads(compose(seen))]
        return list(zip(ids, ids, strict=True))

    return show
