"""A small Heliograph in memory: what people do, heard by the real use cases over fake stores."""

from dataclasses import dataclass, field

from feed_service.model import TOP, Chunk, Entry, Lane, micros, parse_token
from feed_service.service.candidates import Candidates
from feed_service.service.fanout import FanOut, Push
from feed_service.service.follows import Follows
from feed_service.service.home import HomeFeed, Page
from feed_service.service.rebuild import Rebuild
from kit.ids import time_of

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


@dataclass
class World:
    warm_cap: int = 5
    threshold: int = 100
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.graph, self.posts = FakeGraph(), FakePosts()
        self.home, self.authors, self.tasks = FakeHome(self.clock), FakeAuthors(), FakeTasks()
        self.warm, self.erased = FakeWarm(self.warm_cap), FakeErased()
        now = self.clock.now
        self.rebuild = Rebuild(self.home, self.warm, self.authors, self.posts, self.graph, now=now)
        self.follows = Follows(self.home, self.warm, self.authors, self.tasks, now=now)
        self.push = Push(Lane.SMALL, self.home, self.warm, self.erased, self.tasks, now=now)

    def server(self) -> HomeFeed[int]:
        """A feed process of its own: nothing in memory from before."""
        candidates = Candidates(
            self.home,
            self.warm,
            self.authors,
            self.posts,
            self.graph,
            self.rebuild,
            warm_cap=self.warm_cap,
            now=self.clock.now,
            clock=self.clock.seconds,
        )
        return HomeFeed(candidates, self.posts, self.graph)

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
        """The feed by definition."""
        shown = {
            author
            for author in self.posts.authors.values()
            if author == viewer_id
            or ((viewer_id, author) in self.graph.follows and (viewer_id, author) not in self.graph.mutes)
        }
        return sorted(
            (
                post
                for post, author in self.posts.authors.items()
                if author in shown and (post not in self.posts.hidden or author == viewer_id)
            ),
            reverse=True,
        )

    async def pages(self, viewer_id: int, size: int = 2) -> list[Page[int]]:
        """All pages, as a client reads them."""
        feed, pages = self.server(), [Page[int]([], str(TOP), degraded=False)]
        while pages[-1].next_token:
            pages.append(await feed.page(viewer_id, size, parse_token(pages[-1].next_token)))
        return pages[1:]

    async def read(self, viewer_id: int, size: int = 2) -> list[int]:
        return [post for page in await self.pages(viewer_id, size) for post in page.posts]
