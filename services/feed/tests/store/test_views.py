"""One suite for what is kept at hand of viewers in Redis and for its fake, and what only Redis can do wrong."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from feed_service.model import TOP, Entry, Relation, Relations, Slice, pack
from feed_service.service.ports import Views, Warm
from feed_service.store import ViewsAtHand, WarmTimelines
from kit.errors import Unavailable
from kit.hotredis import HotRedis, open_hot_redis
from kit.ids import first_at
from kit.settings import RedisSettings
from kit.testing import MakeSettings
from redis.asyncio import Redis

from services.feed.tests.fakes import Clock, FakeWarm
from services.feed.tests.view_fakes import FakeViews

CAP = 5
BASE = first_at(datetime(2024, 5, 1, tzinfo=UTC))
VIEWER, FRIEND, OTHER, FOE, STRANGER = (BASE + step for step in range(5))
STAMP = b"some"

FOLLOWED = Relation(following=True)
KNOWN = {
    FRIEND: Relation(following=True, close_friend=True),
    OTHER: Relation(following=True, muting=True),
    FOE: Relation(blocked=True),
}


@dataclass(frozen=True)
class AtHand:
    views: Views
    warm: Warm


@pytest.fixture
async def hot(redis_url: str, make_settings: MakeSettings) -> AsyncGenerator[HotRedis]:
    async with open_hot_redis(make_settings(RedisSettings, redis_url=redis_url)) as opened:
        yield opened


@pytest.fixture
def real(hot: HotRedis, warm: WarmTimelines, clock: Clock) -> AtHand:
    return AtHand(ViewsAtHand(hot, now=clock.now), warm)


@pytest.fixture(params=["fake", "real"])
def at_hand(request: pytest.FixtureRequest, clock: Clock) -> AtHand:
    if request.param == "real":
        return request.getfixturevalue("real")
    warm = FakeWarm(CAP)
    return AtHand(FakeViews(warm, clock), warm)


def relations(known: Mapping[int, Relation] = KNOWN, tags: Sequence[str] = (), **rest: object) -> Relations:
    blocked = frozenset(one for one, relation in known.items() if relation.blocked)
    return Relations(known, whole=True, tags=tags, blocked=blocked, **rest)  # pyright: ignore[reportArgumentType]


async def fill(views: Views, known: Mapping[int, Relation] = KNOWN, pulled: Sequence[int] = ()) -> None:
    await views.fill(VIEWER, relations(known), pulled, STAMP)


async def warm_up(at_hand: AtHand, *entries: Entry, floor: int | None = 5) -> None:
    mark = await at_hand.warm.begin(VIEWER)
    assert mark is not None
    assert await at_hand.warm.finish(VIEWER, mark, Slice(entries, floor))


async def likes_of(views: Views, before: int = TOP) -> tuple[set[int], int] | None:
    likes = (await views.glance(VIEWER, before, 10, STAMP)).likes
    return likes and (set(likes.posts), likes.floor)


async def build_likes(views: Views, *likes: tuple[int, int], floor: int = 0, since: int = 0) -> None:
    build = await views.begin_likes(VIEWER)
    assert build is not None
    await views.finish_likes(VIEWER, build, likes, floor, since)


async def test_nothing_is_there_at_first(at_hand: AtHand) -> None:
    glance = await at_hand.views.glance(VIEWER, TOP, 10, STAMP)

    assert (glance.timeline, glance.relations, glance.likes, glance.closed) == (None, None, None, b"")
    assert await at_hand.views.relations(VIEWER, [FRIEND]) is None
    assert await at_hand.views.find_pulled(VIEWER, [FRIEND], STAMP) is None


async def test_a_glance_knows_the_authors_of_its_part_of_the_timeline(at_hand: AtHand) -> None:
    await fill(at_hand.views)
    await warm_up(at_hand, Entry(30, FRIEND), Entry(20, OTHER), Entry(10, STRANGER))

    glance = await at_hand.views.glance(VIEWER, 31, 3, STAMP)

    assert glance.timeline == Slice([Entry(30, FRIEND), Entry(20, OTHER), Entry(10, STRANGER)])
    assert glance.relations is not None
    assert glance.relations.known[FRIEND] == KNOWN[FRIEND]
    assert glance.relations.known[OTHER] == KNOWN[OTHER]
    assert glance.relations.known.get(STRANGER, Relation()) == Relation()
    assert glance.relations.blocked == {FOE}
    assert not glance.relations.whole


async def test_who_is_asked_for_and_is_not_in_it_is_a_stranger(at_hand: AtHand) -> None:
    await fill(at_hand.views)

    assert await at_hand.views.relations(VIEWER, [FOE, STRANGER]) == {FOE: KNOWN[FOE], STRANGER: Relation()}


async def test_tags_and_pulled_authors_come_with_a_glance(at_hand: AtHand) -> None:
    await at_hand.views.fill(VIEWER, relations(tags=["sea", "sun"]), [FRIEND, OTHER], STAMP)

    found = (await at_hand.views.glance(VIEWER, TOP, 3, STAMP)).relations

    assert found is not None
    assert list(found.tags) == ["sea", "sun"]
    assert set(found.pulled or ()) == {FRIEND, OTHER}
    assert {one: found.known[one] for one in (FRIEND, OTHER)} == {FRIEND: KNOWN[FRIEND], OTHER: KNOWN[OTHER]}


async def test_for_another_set_of_pulled_authors_they_are_found_out_anew(at_hand: AtHand) -> None:
    await fill(at_hand.views, pulled=[])
    found = (await at_hand.views.glance(VIEWER, TOP, 3, b"other")).relations
    assert found is not None
    assert found.pulled is None

    assert await at_hand.views.find_pulled(VIEWER, [FRIEND, OTHER, FOE, STRANGER], b"other") == {
        FRIEND: KNOWN[FRIEND],
        OTHER: KNOWN[OTHER],
    }
    found = (await at_hand.views.glance(VIEWER, TOP, 3, b"other")).relations
    assert found is not None
    assert set(found.pulled or ()) == {FRIEND, OTHER}
    assert found.known[OTHER].muting


async def test_nobody_fills_what_was_closed_until_no_load_can_be_that_old(at_hand: AtHand) -> None:
    await fill(at_hand.views)
    await at_hand.views.close_relations(VIEWER)
    await fill(at_hand.views)

    glance = await at_hand.views.glance(VIEWER, TOP, 3, STAMP)
    assert glance.relations is None
    assert glance.closed


async def test_each_closing_has_a_name_of_its_own(real: AtHand) -> None:
    names: set[bytes] = set()
    for _ in range(3):
        await real.views.close_relations(VIEWER)
        names.add((await real.views.glance(VIEWER, TOP, 3, STAMP)).closed)

    assert len(names) == 3


async def test_a_closing_ends(real: AtHand, redis: Redis) -> None:
    await real.views.close_relations(VIEWER)
    key = f"feed:relations:{{{VIEWER:016x}}}:closed"
    assert 5 < await redis.ttl(key) <= 10, "longer than a load, which takes five seconds at most"
    await redis.delete(key)
    await fill(real.views)

    assert (await real.views.glance(VIEWER, TOP, 3, STAMP)).relations is not None


async def test_a_mute_that_has_its_end_ends(real: AtHand, clock: Clock) -> None:
    until = int(clock.now().timestamp()) + 60
    known = {FRIEND: Relation(following=True, muting=True)}
    await real.views.fill(VIEWER, relations(known, muted_until={FRIEND: until}), [FRIEND], STAMP)

    assert await real.views.relations(VIEWER, [FRIEND]) == known
    clock.tick(timedelta(seconds=61))
    assert await real.views.relations(VIEWER, [FRIEND]) == {FRIEND: FOLLOWED}
    found = (await real.views.glance(VIEWER, TOP, 3, STAMP)).relations
    assert found is not None
    assert found.known[FRIEND] == FOLLOWED


async def test_thousands_of_relations_fit_and_many_blocks_are_not_listed(real: AtHand) -> None:
    known = {BASE + 100 + step: Relation(following=step % 2 == 0, blocked=step % 2 == 1) for step in range(20_000)}
    await fill(real.views, known)

    some = list(known)[:: 20_000 // 100]
    assert await real.views.relations(VIEWER, some) == {one: known[one] for one in some}
    found = (await real.views.glance(VIEWER, TOP, 3, STAMP)).relations
    assert found is not None
    assert found.blocked is None


async def test_views_live_for_minutes(real: AtHand, redis: Redis) -> None:
    await fill(real.views)
    await build_likes(real.views)

    assert 600 < await redis.ttl(f"feed:relations:{{{VIEWER:016x}}}") <= 900
    assert 2_600 < await redis.ttl(f"feed:likes:{{{VIEWER:016x}}}") <= 3_600


async def test_likes_are_not_known_before_they_are_built(at_hand: AtHand) -> None:
    await at_hand.views.like(VIEWER, 10, 1, liked=True)
    assert await likes_of(at_hand.views) is None

    assert await at_hand.views.begin_likes(VIEWER)
    assert await likes_of(at_hand.views) is None
    assert await at_hand.views.begin_likes(VIEWER) is None, "one build at a time"


async def test_the_latest_change_of_a_post_stays_in_whatever_order_they_come(at_hand: AtHand) -> None:
    await build_likes(at_hand.views, (10, 100), (20, 200))

    await at_hand.views.like(VIEWER, 10, 300, liked=False)
    await at_hand.views.like(VIEWER, 10, 250, liked=True)
    await at_hand.views.like(VIEWER, 20, 150, liked=False)
    await at_hand.views.like(VIEWER, 30, 400, liked=True)
    await at_hand.views.like(VIEWER, 30, 400, liked=True)

    assert await likes_of(at_hand.views) == ({20, 30}, 0)


async def test_what_changes_during_a_build_is_in_it(at_hand: AtHand) -> None:
    build = await at_hand.views.begin_likes(VIEWER)
    assert build is not None
    await at_hand.views.like(VIEWER, 10, 300, liked=False)
    await at_hand.views.like(VIEWER, 30, 400, liked=True)

    await at_hand.views.finish_likes(VIEWER, build, [(10, 100), (20, 200)], 0, 50)

    assert await likes_of(at_hand.views) == ({20, 30}, 0)


async def test_an_old_change_of_a_post_that_truth_did_not_have_is_none(at_hand: AtHand) -> None:
    await build_likes(at_hand.views, (20, 200), since=150)

    await at_hand.views.like(VIEWER, 10, 100, liked=True)
    await at_hand.views.like(VIEWER, 30, 160, liked=True)

    assert await likes_of(at_hand.views) == ({20, 30}, 0)


async def test_a_glance_has_the_likes_of_its_part_of_the_timeline(at_hand: AtHand) -> None:
    await build_likes(at_hand.views, (10, 1), (20, 2), (30, 3), floor=8)
    assert await likes_of(at_hand.views) == ({10, 20, 30}, 8)
    assert await likes_of(at_hand.views, before=30) == ({10, 20}, 8)

    await warm_up(at_hand, Entry(30, FRIEND), Entry(20, FRIEND), Entry(10, FRIEND))
    glance = await at_hand.views.glance(VIEWER, TOP, 2, STAMP)
    assert glance.likes is not None
    assert (set(glance.likes.posts), glance.likes.floor) == ({20, 30}, 20)


async def test_a_build_that_was_forgotten_comes_to_nothing(real: AtHand, redis: Redis) -> None:
    build = await real.views.begin_likes(VIEWER)
    assert build is not None
    assert 0 < await redis.ttl(f"feed:likes:{{{VIEWER:016x}}}") <= 10, "a builder that died holds nobody up"
    await redis.delete(f"feed:likes:{{{VIEWER:016x}}}")

    await real.views.finish_likes(VIEWER, build, [(10, 1)], 0, 0)

    assert await likes_of(real.views) is None


async def test_who_likes_more_than_is_kept_is_built_anew(real: AtHand) -> None:
    await build_likes(real.views, *((post, 1) for post in range(1, 4_000)))
    for post in range(5_000, 5_002):
        await real.views.like(VIEWER, post, 2, liked=True)

    assert await likes_of(real.views) is None


async def test_of_very_many_likes_a_glance_says_how_far_it_goes(real: AtHand) -> None:
    await build_likes(real.views, *((post, 1) for post in range(1, 501)))

    assert await likes_of(real.views) == (set(range(301, 501)), 301)


async def test_a_timeline_is_prolonged_once_a_day(real: AtHand, redis: Redis) -> None:
    await warm_up(real, Entry(30, FRIEND))
    key, day = f"feed:home:{{{VIEWER:016x}}}", 24 * 3600
    await redis.expire(key, 30 * day - 100)
    await real.views.glance(VIEWER, TOP, 3, STAMP)
    assert await redis.ttl(key) <= 30 * day - 100

    await redis.expire(key, 29 * day - 100)
    await real.views.glance(VIEWER, TOP, 3, STAMP)
    assert await redis.ttl(key) > 30 * day - 100


async def test_what_is_forgotten_is_gone(real: AtHand, redis: Redis) -> None:
    await fill(real.views)
    await build_likes(real.views, (10, 1))
    await real.warm.push(Entry(10, VIEWER), pack([VIEWER]))

    await real.views.forget(VIEWER)  # pyright: ignore[reportAttributeAccessIssue]

    assert await redis.keys("feed:*") == []


async def test_a_change_beside_fills_is_never_lost(real: AtHand) -> None:
    """Loads that began before a change and fill after it: whoever asks after the change never finds the old."""
    known = dict(KNOWN)

    async def load_and_fill() -> None:
        loaded = relations(dict(known))
        await asyncio.sleep(0)
        await real.views.fill(VIEWER, loaded, (), STAMP)

    for step in range(100):
        filling = [asyncio.create_task(load_and_fill()) for _ in range(3)]
        await asyncio.sleep(0)
        known[FRIEND] = Relation(following=bool(step % 2))
        await real.views.close_relations(VIEWER)
        await asyncio.gather(*filling)
        found = await real.views.relations(VIEWER, [FRIEND])
        assert found is None


async def test_an_outage_is_nothing_at_hand_to_readers_and_an_error_to_those_who_change(
    make_settings: MakeSettings, clock: Clock
) -> None:
    async with open_hot_redis(make_settings(RedisSettings, redis_url="redis://127.0.0.1:1/0")) as nowhere:
        views = ViewsAtHand(nowhere, now=clock.now)

        assert (await views.glance(VIEWER, TOP, 10, STAMP)).timeline is None
        assert await views.relations(VIEWER, [FRIEND]) is None
        assert await views.begin_likes(VIEWER) is None
        await fill(views)
        with pytest.raises(Unavailable, match="REDIS_UNAVAILABLE"):
            await views.close_relations(VIEWER)
        with pytest.raises(Unavailable, match="REDIS_UNAVAILABLE"):
            await views.like(VIEWER, 1, 2, liked=True)
