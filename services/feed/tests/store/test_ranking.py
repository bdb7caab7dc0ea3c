"""What is kept of viewers for their rankings, on a real Redis."""

from collections.abc import Sequence
from datetime import timedelta

import pytest
from feed_service.model.ranking import Cell, Features, Interaction, RankedPost, Ranking
from feed_service.service import Erasure
from feed_service.store import InterestLog, SeenPosts, Sessions
from kit.errors import Unavailable
from redis.asyncio import Redis

from services.feed.tests.conftest import patience
from services.feed.tests.fakes import START, Clock, FakeErased

ANN, BOB = 5 << 40, 6 << 40
DAY = 24 * 3600


@pytest.fixture
def log(redis: Redis) -> InterestLog:
    return InterestLog(redis, patience("REDIS"), kept=8)


@pytest.fixture
def seen(redis: Redis, clock: Clock) -> SeenPosts:
    return SeenPosts(redis, patience("REDIS"), now=clock.now, kept=5)


@pytest.fixture
def sessions(redis: Redis) -> Sessions:
    return Sessions(redis, patience("REDIS"))


async def test_interactions_come_back_as_they_were(log: InterestLog, redis: Redis) -> None:
    full = Interaction(7 << 40, 1.5, "0a" * 8, ("dusk", "größe"), Cell(-5, 3599))
    bare = Interaction(8 << 40, 0)
    await log.record(ANN, {"l1": full, "l2": bare})
    assert sorted(await log.of(ANN), key=lambda one: one.change_id) == [full, bare]
    assert await log.of(BOB) == []
    (key,) = await redis.keys()
    assert 89 * DAY < await redis.ttl(key) <= 90 * DAY


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 3, 1), (3, 1, 2, 1)])
async def test_of_what_was_done_and_undone_the_latest_counts_in_any_order(
    log: InterestLog, order: Sequence[int]
) -> None:
    for number in order:
        await log.record(ANN, {"l1": Interaction(number << 50, number % 2)})
    assert await log.of(ANN) == [Interaction(3 << 50, 1)]


async def test_only_the_newest_interactions_are_kept(log: InterestLog) -> None:
    for number in range(1, 40):
        await log.record(ANN, {f"l{number}": Interaction(number << 50, 1)})
        assert len(await log.of(ANN)) <= 10
    await log.record(ANN, {f"c{number}": Interaction(number << 50, 3) for number in range(1, 20)})
    assert {one.change_id >> 50 for one in await log.of(ANN)} == set(range(32, 40))


async def test_seen_posts_are_known_as_of_their_time(seen: SeenPosts, clock: Clock) -> None:
    assert await seen.mark(ANN, [1, 2]) == 2
    before = clock.now()
    clock.tick(timedelta(minutes=1))
    assert await seen.mark(ANN, [2, 3]) == 1
    assert await seen.among(ANN, [1, 2, 3, 4], before) == {1, 2}
    assert await seen.among(ANN, [1, 2, 3, 4], clock.now()) == {1, 2, 3}
    assert await seen.among(BOB, [1, 2, 3, 4], clock.now()) == frozenset()
    assert await seen.among(ANN, [], clock.now()) == frozenset()


async def test_seen_posts_are_forgotten_after_two_weeks_and_when_they_are_too_many(
    seen: SeenPosts, clock: Clock, redis: Redis
) -> None:
    await seen.mark(ANN, [1])
    clock.tick(timedelta(days=13))
    await seen.mark(ANN, [2])
    clock.tick(timedelta(days=2))
    assert await seen.among(ANN, [1, 2], clock.now()) == {2}
    assert await seen.mark(ANN, [3]) == 1
    (key,) = await redis.keys()
    assert await redis.zcard(key) == 2
    for post in range(10, 20):
        clock.tick()
        await seen.mark(ANN, [post])
    assert await seen.among(ANN, range(30), clock.now()) == set(range(15, 20))


def ranking_of(session: int, *posts: int) -> Ranking:
    ranked = [RankedPost(post, ANN, 0.5, Features(recency=0.25, likes=post)) for post in posts]
    return Ranking(session.to_bytes(8, "big"), ranked, START, 100, 1)


async def test_a_ranking_is_read_in_pieces(sessions: Sessions, redis: Redis) -> None:
    ranking = ranking_of(1, *range(50, 40, -1))
    await sessions.save(ANN, ranking)
    assert await sessions.posts(ANN, ranking.session, 0, 4) == ranking.posts[:4]
    assert await sessions.posts(ANN, ranking.session, 8, 4) == ranking.posts[8:]
    assert await sessions.posts(ANN, ranking.session, 10, 4) == []
    assert await sessions.posts(BOB, ranking.session, 0, 4) is None
    assert await sessions.posts(ANN, b"elsewise", 0, 4) is None
    assert all([1700 < await redis.ttl(key) <= 1800 for key in await redis.keys()])


async def test_an_empty_ranking_is_there(sessions: Sessions) -> None:
    await sessions.save(ANN, ranking_of(1))
    assert await sessions.posts(ANN, (1).to_bytes(8, "big"), 0, 4) == []


async def test_a_page_that_is_read_keeps_its_ranking(sessions: Sessions, redis: Redis) -> None:
    await sessions.save(ANN, ranking_of(1, 50))
    for key in await redis.keys():
        await redis.expire(key, 5)
    await sessions.posts(ANN, (1).to_bytes(8, "big"), 0, 1)
    assert all([await redis.ttl(key) > 1700 for key in await redis.keys()])


async def test_a_viewer_has_only_so_many_rankings(sessions: Sessions, redis: Redis) -> None:
    for number in range(5, 0, -1):
        await sessions.save(ANN, ranking_of(number, 50))
    left = [number for number in range(1, 6) if await sessions.posts(ANN, number.to_bytes(8, "big"), 0, 1)]
    assert left == [1, 2, 3]
    assert len(await redis.keys()) == 4


async def test_all_of_an_account_can_be_forgotten_and_nothing_of_others(
    log: InterestLog, seen: SeenPosts, sessions: Sessions, redis: Redis
) -> None:
    for viewer in (ANN, BOB):
        await log.record(viewer, {"l1": Interaction(7 << 40, 1)})
        await seen.mark(viewer, [1])
        for number in (1, 2):
            await sessions.save(viewer, ranking_of(number, 50))
    everything = set(await redis.keys())
    assert [await one.forget(ANN) > 0 for one in (log, seen, sessions)] == [True] * 3
    assert {key for key in everything if f"{BOB:016x}" in str(key)} == set(await redis.keys())
    assert [await one.forget(ANN) for one in (log, seen, sessions)] == [0, 0, 0]


class NothingKept:
    """The account has no timeline anywhere."""

    async def clear(self, user_id: int) -> int:
        return 0

    async def drop(self, user_id: int) -> None: ...

    async def forget(self, user_id: int) -> None: ...

    async def leave(self, user_id: int) -> int | None: ...


async def test_an_erasure_takes_them_along_and_says_how_much_it_was(
    log: InterestLog, seen: SeenPosts, sessions: Sessions, redis: Redis
) -> None:
    nothing = NothingKept()
    await log.record(ANN, {"l1": Interaction(7 << 40, 1)})
    await seen.mark(ANN, [1])
    await sessions.save(ANN, ranking_of(1, 50))
    forgetting = (log.forget, seen.forget, sessions.forget)
    erasure = Erasure(FakeErased(), nothing, nothing, nothing, nothing, nothing, nothing, forgetting)
    assert await erasure.erase(ANN) == 3
    assert await redis.keys() == []
    assert await erasure.erase(ANN) == 0


async def test_an_outage_is_told() -> None:
    away = Redis.from_url("redis://127.0.0.1:1/0")
    with pytest.raises(Unavailable, match="REDIS_UNAVAILABLE"):
        await InterestLog(away, patience("REDIS")).of(ANN)
    await away.aclose()
