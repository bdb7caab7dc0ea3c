"""A small Heliograph in memory: what people do, heard by the real use cases over fake stores."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from feed_service.model import TOP, Chunk, Entry, Lane, Shown, compose, micros, parse_token
from feed_service.model.crossing import Backfill, Costs
from feed_service.service.candidates import Candidates, Window
from feed_service.service.fanout import FanOut, Push
from feed_service.service.follows import Follows
from feed_service.service.fragments import Fragments, Keeping
from feed_service.service.home import HomeFeed, Page, Showing, as_pieces, as_posts
from feed_service.service.idle import Sweep
from feed_service.service.notes import Notes
from feed_service.service.rebuild import Rebuild
from feed_service.service.returning import Return, Review
from feed_service.service.sight import Sight
from feed_service.service.threshold import Threshold
from feed_service.service.verify import Verify
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
from services.feed.tests.fanout_fakes import FakeIdle, FakeMarks, FakeStates, FakeTurns, NoPressure
from services.feed.tests.view_fakes import FakeViews


@dataclass(frozen=True)
class Process:
    """`feed` and `posts` are the same feed, from its bytes and from the post service's own posts."""

    fragments: Fragments
    feed: HomeFeed[int]
    posts: HomeFeed[int]
    pages: HomeFeed[Shown]
    verify: Verify


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
        self.late_notes: list[Callable[[], Awaitable[None]]] = []
        now = self.clock.now
        self.idle, self.marks = FakeIdle(self.warm, self.clock), FakeMarks(self.authors)
        self.states = FakeStates(self.home)
        self.rebuild = Rebuild(self.home, self.warm, self.idle, self.marks, self.posts, self.graph, now=now)
        self.follows = Follows(self.home, self.warm, self.authors, self.marks, self.tasks, now=now)
        self.push = Push(Lane.SMALL, self.home, self.warm, self.idle, self.erased, self.tasks, now=now)

    @property
    def crossing(self) -> Threshold:
        return Threshold(self.marks, self.authors, self.graph, Costs(most=self.threshold), now=self.clock.now)

    @property
    def fan_out(self) -> FanOut:
        """With a page of two followers, so that most audiences need several."""
        return FanOut(self.authors, self.crossing, self.graph, self.tasks, NoPressure(), page=2)

    def process(self) -> "Process":
        """A feed process of its own: nothing in memory from before."""
        viewers = Viewers(self.views, self.graph, self.posts, now=self.clock.now)
        keeping = Keeping(fresh=2, lasting=30, most_bytes=1_000_000)
        fragments = Fragments(self.posts, keeping, clock=self.clock.seconds, spread=lambda low, high: (low + high) / 2)
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
            fragments,
            HomeFeed(candidates, as_ids(sight)),
            HomeFeed(candidates, as_posts(sight, self.posts)),
            HomeFeed(candidates, as_pieces(sight)),
            Verify(HomeFeed(candidates, as_pieces(sight)), candidates, between_looks=0),
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
        await self.fan_out.publish(entry, micros(time_of(entry.post_id)))
        while self.tasks.queue:
            task = self.tasks.queue.pop(0)
            if isinstance(task, Chunk):
                await self.push.write(task)
            else:
                await self.fan_out.go_on(task)

    async def sweep(self, days: int = 30) -> None:
        """A whole round: whoever has not read for so long becomes idle."""
        await Sweep(self.states, self.idle, self.warm, FakeTurns(), days=days, now=self.clock.now).step()

    async def review(self) -> None:
        """Every merged author once."""
        pause = timedelta(seconds=1)
        review = Review(self.marks, self.crossing, self.tasks, FakeTurns(), pause=pause, now=self.clock.now)
        for _ in range(len(self.authors.marks)):
            await review.step()

    async def hear_backfill(self, task: Backfill) -> None:
        """One step; what follows it waits in `tasks`."""
        step = Return(
            self.marks,
            self.authors,
            self.home,
            self.warm,
            self.idle,
            self.erased,
            self.graph,
            self.tasks,
            page=2,
            now=self.clock.now,
        )
        await step.step(task)

    async def hear_backfills(self) -> None:
        while self.tasks.backfills:
            await self.hear_backfill(self.tasks.backfills.pop(0))

    async def related(self, *user_ids: int) -> None:
        """What the consumer of relations does, which waits for Redis as long as it takes."""
        if self.warm.is_down:
            self.late_notes.append(lambda: self.related(*user_ids))
        else:
            await self.notes.relations_changed(user_ids)

    async def liked(self, user_id: int, post_id: int, change_id: int, *, liked: bool) -> None:
        if self.warm.is_down:
            self.late_notes.append(lambda: self.liked(user_id, post_id, change_id, liked=liked))
        else:
            await self.notes.liked(user_id, post_id, change_id, liked=liked)

    async def catch_up(self) -> None:
        """What the late lane and the consumers do once Redis is back."""
        while self.late_notes:
            await self.late_notes.pop()()
        while self.tasks.late:
            await self.push.warm_up(self.tasks.late.pop())

    async def delete(self, post_id: int) -> None:
        await self.hear_deleted(Entry(post_id, self.posts.authors.pop(post_id)), micros(self.clock.tick()))

    async def hear_deleted(self, entry: Entry, at_us: int) -> None:
        await self.fan_out.retract(entry, at_us)

    async def follow(self, follower_id: int, followee_id: int) -> None:
        self.graph.follows.add((follower_id, followee_id))
        await self.related(follower_id)
        await self.follows.followed(follower_id, followee_id, self.clock.next_id())

    async def unfollow(self, follower_id: int, followee_id: int) -> None:
        self.graph.follows.discard((follower_id, followee_id))
        await self.related(follower_id)
        await self.follows.unfollowed(follower_id, followee_id, self.clock.next_id())

    def oracle(self, viewer_id: int) -> list[int]:
        return home_feed(self.truth, viewer_id)

    async def pages(self, viewer_id: int, size: int = 2, feed: HomeFeed[int] | None = None) -> list[Page[int]]:
        """All pages, as a client reads them."""
        feed, pages = feed or self.server(), [Page[int]([], str(TOP), degraded=False)]
        while pages[-1].next_token:
            pages.append(await feed.page(viewer_id, size, parse_token(pages[-1].next_token)))
        return pages[1:]

    async def liked_by(self, viewer_id: int, process: "Process") -> list[int]:
        """Posts of the first page that the page says are liked."""
        posts = json.loads(compose((await process.pages.page(viewer_id, 100, TOP)).posts))
        return [int(post["id"]) for post in posts if post["viewer"]["liked"]]

    def likes_in_feed(self, viewer_id: int) -> list[int]:
        return [post for post in self.oracle(viewer_id)[:100] if (viewer_id, post) in self.truth.likes]

    async def read(self, viewer_id: int, size: int = 2) -> list[int]:
        return [post for page in await self.pages(viewer_id, size) for post in page.posts]


def as_ids(sight: Sight) -> Showing[int]:
    """Read from what clients get."""

    async def show(window: Window) -> tuple[Sequence[int], Sequence[int]]:
        seen = await sight.seen(window.viewer, window.entries, window.tagged)
        ids = [int(post["id"]) for post in json.loads(compose(seen))]
        return ids, ids

    return show
