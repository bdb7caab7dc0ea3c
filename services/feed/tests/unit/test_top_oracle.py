"""The ranked feed holds what the chronological one holds, whoever may see what: compared with the feed's definition."""

from collections.abc import Sequence
from dataclasses import dataclass

from feed_service.service.candidates import Candidates
from feed_service.service.chronology import Chronology
from feed_service.service.facts import PeersFacts
from feed_service.service.fragments import Fragments, Keeping
from feed_service.service.ranker import Ranker
from feed_service.service.sight import Sight
from feed_service.service.top import TopFeed
from feed_service.service.viewers import Viewers
from hypothesis import given, settings
from hypothesis import strategies as st

from services.feed.tests.definition import Audience, home_feed
from services.feed.tests.top_fakes import FakeImpressions, FakeRedis
from services.feed.tests.world import World

VIEWER, PEOPLE, TAGS = 1, range(1, 6), ("dusk", "sea")


@dataclass(frozen=True)
class Drawn:
    """One post."""

    author: int
    audience: Audience
    pending: bool
    tags: frozenset[str]


POSTS = st.lists(
    st.builds(
        Drawn,
        st.sampled_from(PEOPLE),
        st.sampled_from(Audience),
        st.sampled_from([False, False, False, True]),
        st.frozensets(st.sampled_from(TAGS)),
    ),
    max_size=25,
)
OTHERS = st.sets(st.sampled_from(PEOPLE[1:]))


@dataclass
class Reading:
    """A ranked feed over the real reading of feeds and a truth in memory."""

    world: World
    most: int

    def __post_init__(self) -> None:
        world = self.world
        now, clock = world.clock.now, world.clock.seconds
        viewers = Viewers(world.views, world.graph, world.posts, now=now)
        none = Keeping(fresh=0, lasting=0, most_bytes=10_000)
        pieces = Fragments(world.posts, none, clock=clock, spread=lambda low, high: (low + high) / 2)
        candidates = Candidates(
            world.home, world.warm, world.authors, world.posts, world.posts, world.graph, viewers, world.rebuild,
            warm_cap=world.warm_cap, list_seconds=0, now=now, clock=clock,
        )  # fmt: skip
        feed = Chronology(candidates, viewers, Sight(viewers, pieces), pieces)
        redis = FakeRedis(world.clock)
        facts = PeersFacts(pieces.get, self.commenters)
        ranker = Ranker(feed, facts, redis, redis, days=1, most=self.most)
        self.top = TopFeed(feed, ranker, redis, FakeImpressions(), now=now)

    async def commenters(self, ids: Sequence[int]) -> dict[int, Sequence[int]]:
        return dict.fromkeys(ids, (2, 3))

    async def read(self, size: int) -> list[int]:
        """As clients get it, to the end."""
        found, token = list[int](), ""
        while True:
            page = await self.top.page(VIEWER, size, token)
            found += [int(item.partition(b'"id":"')[2].partition(b'"')[0]) for item in page.items]
            token = page.next_token
            if not token:
                return found


@settings(deadline=None, max_examples=150)
@given(
    posts=POSTS, follows=OTHERS, mutes=OTHERS, blocks=OTHERS, private=OTHERS, friends=OTHERS,
    tags=st.sets(st.sampled_from(TAGS)), most=st.integers(1, 12), size=st.integers(1, 6), cassandra=st.booleans(),
)  # fmt: skip
async def test_it_is_the_home_feed_in_another_order(
    posts: Sequence[Drawn], follows: set[int], mutes: set[int], blocks: set[int], private: set[int],
    friends: set[int], tags: set[str], most: int, size: int, cassandra: bool,
) -> None:  # fmt: skip
    world = World()
    truth = world.truth
    truth.follows = {(VIEWER, one) for one in follows - blocks}
    truth.mutes, truth.blocks = {(VIEWER, one) for one in mutes}, {(one, VIEWER) for one in blocks}
    truth.close_friends = {(one, VIEWER) for one in friends - blocks}
    truth.private, truth.followed_tags = private, {(VIEWER, tag) for tag in tags}
    for drawn in posts:
        post = world.post(drawn.author).post_id
        truth.audiences[post], truth.tags[post] = drawn.audience, drawn.tags
        if drawn.pending:
            truth.pending.add(post)
    world.home.is_down = not cassandra
    found = await Reading(world, most).read(size)
    assert len(found) == len(set(found))
    assert set(found) == set(home_feed(truth, VIEWER))
