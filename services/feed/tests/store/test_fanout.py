"""One suite for what the fan-out keeps, and for its fakes."""

from datetime import UTC, datetime, timedelta

import pytest
from feed_service.model import Slice, pack
from feed_service.model.crossing import NEVER, Mark
from feed_service.service.fanout_ports import Idle, Marks, States
from feed_service.service.ports import Home
from feed_service.store import AuthorMarks, HomeRows, HomeStates, IdleAccounts, Turns, WarmTimelines
from feed_service.store.states import RING_BEGINS
from kit.cassandra import Cassandra
from kit.errors import Unavailable
from kit.ids import first_at
from kit.redis import open_redis
from kit.settings import RedisSettings
from kit.testing import MakeSettings
from redis.asyncio import Redis

from services.feed.tests.conftest import patience
from services.feed.tests.fakes import Clock, FakeAuthors, FakeHome, FakeWarm
from services.feed.tests.fanout_fakes import FakeIdle, FakeMarks, FakeStates

ONE = first_at(datetime(2024, 5, 1, tzinfo=UTC))
OTHER = ONE + 1
FAR = 1 << 62  # microseconds


@pytest.fixture(params=["fake", "real"])
def any_idle(request: pytest.FixtureRequest) -> Idle:
    return FakeIdle(FakeWarm(5)) if request.param == "fake" else request.getfixturevalue("idle")


@pytest.fixture(params=["fake", "real"])
def any_marks(request: pytest.FixtureRequest) -> Marks:
    return FakeMarks(FakeAuthors()) if request.param == "fake" else request.getfixturevalue("marks")


@pytest.fixture(params=["fake", "real"])
def any_timelines(request: pytest.FixtureRequest) -> tuple[Home, States]:
    if request.param == "fake":
        home = FakeHome()
        return home, FakeStates(home)
    return request.getfixturevalue("home"), request.getfixturevalue("states")


@pytest.fixture
def states(cassandra: Cassandra) -> HomeStates:
    return HomeStates(cassandra, patience("CASSANDRA"))


async def test_the_idle_are_left_out_until_they_leave(any_idle: Idle) -> None:
    everybody = pack([ONE, OTHER])
    assert await any_idle.awake(everybody) == everybody

    assert await any_idle.add([OTHER], FAR)
    assert await any_idle.awake(everybody) == pack([ONE])
    assert await any_idle.awake(pack([OTHER])) == b""
    assert await any_idle.awake(b"") == b""

    assert await any_idle.leave(OTHER)
    assert await any_idle.awake(everybody) == everybody


async def test_nobody_joins_late_and_who_leaves_hears_when(any_idle: Idle) -> None:
    before = await any_idle.time_us()
    assert not await any_idle.add([ONE], before)
    assert await any_idle.awake(pack([ONE])) == pack([ONE])

    left = await any_idle.leave(ONE)
    assert left is not None
    assert before <= left <= await any_idle.time_us()


async def test_a_chunk_of_followers_is_asked_for_at_once(idle: IdleAccounts) -> None:
    followers = [ONE + number for number in range(1_000)]
    await idle.add(followers[::3], FAR)

    assert await idle.awake(pack(followers)) == pack(one for one in followers if one not in followers[::3])


async def test_without_redis_nobody_is_idle_and_nobody_can_leave(make_settings: MakeSettings) -> None:
    async with open_redis(make_settings(RedisSettings, redis_url="redis://127.0.0.1:1/0")) as nowhere:
        idle = IdleAccounts(nowhere, patience("REDIS"), now=Clock().now)

        assert await idle.awake(pack([ONE])) == pack([ONE])
        assert await idle.leave(ONE) is None
        with pytest.raises(Unavailable):
            await idle.add([ONE], FAR)


async def test_reads_of_warm_timelines_are_known(idle: IdleAccounts, warm: WarmTimelines, redis: Redis) -> None:
    build = await warm.begin(ONE)
    assert build
    await warm.finish(ONE, build, Slice([], 5))
    await redis.expire(f"feed:home:{{{ONE:016x}}}", timedelta(days=20))

    assert await idle.last_reads([ONE, OTHER]) == {ONE: Clock().now() - timedelta(days=10)}


async def test_states_are_met_once_each_round_the_ring(home: HomeRows, states: HomeStates) -> None:
    for number in range(7):
        await home.set_complete_from(ONE + number, 5, 1_000)
    met, after = list[int](), RING_BEGINS
    while page := await states.page(after, 3):
        met += [state.user_id for state in page]
        after = page[-1].place

    assert sorted(met) == [ONE + number for number in range(7)]


async def test_a_state_tells_when_it_was_built_and_read(home: HomeRows, states: HomeStates) -> None:
    read = datetime(2026, 5, 1, tzinfo=UTC)
    await home.set_complete_from(ONE, 5, 1_000)
    await states.note_reads([ONE], [read])
    (state,) = await states.page(RING_BEGINS, 10)
    assert (state.user_id, state.is_void, state.built_us, state.last_read) == (ONE, False, 1_000, read)


async def test_a_void_timeline_stays_so_for_what_was_said_before(any_timelines: tuple[Home, States]) -> None:
    home, states = any_timelines
    await home.set_complete_from(ONE, 5, 1_000)

    await states.void([ONE], 2_000)
    await home.set_complete_from(ONE, 5, 1_999)
    assert await home.complete_from(ONE) is None
    (state,) = await states.page(RING_BEGINS, 10)
    assert state.is_void

    await home.set_complete_from(ONE, 5, 2_001)
    assert await home.complete_from(ONE) == 5
    assert NEVER > 5


async def test_a_mark_is_set_once_and_goes_by_the_way_back_alone(any_marks: Marks) -> None:
    await any_marks.mark(ONE, 10)
    await any_marks.mark(ONE, 20)
    assert await any_marks.all() == {ONE: Mark(10)}
    assert not await any_marks.unmark(ONE, 10)

    assert await any_marks.begin_return(ONE, Mark(10), 30)
    assert not await any_marks.begin_return(ONE, Mark(10), 31)
    assert await any_marks.of(ONE) == Mark(10, 30)
    assert not await any_marks.unmark(ONE, 31)

    assert await any_marks.unmark(ONE, 30)
    assert not await any_marks.unmark(ONE, 30)
    assert await any_marks.of(ONE) is None


async def test_who_rises_on_the_way_back_is_marked_anew(any_marks: Marks) -> None:
    await any_marks.mark(ONE, 10)
    await any_marks.begin_return(ONE, Mark(10), 30)

    await any_marks.mark(ONE, 40)

    assert await any_marks.of(ONE) == Mark(40)
    assert not await any_marks.unmark(ONE, 30)


async def test_a_mark_of_before_there_were_times_can_return(marks: AuthorMarks, cassandra: Cassandra) -> None:
    await cassandra.execute("INSERT INTO pulled_author (shard, author_id) VALUES (0, ?)", (ONE,))
    assert await marks.of(ONE) == Mark()

    assert await marks.begin_return(ONE, Mark(), 30)
    assert await marks.unmark(ONE, 30)
    assert await marks.all() == {}


async def test_an_erased_author_has_no_mark(marks: AuthorMarks) -> None:
    await marks.mark(ONE, 10)
    assert await marks.clear(ONE) == 1
    assert await marks.clear(ONE) == 0
    assert await marks.of(ONE) is None


async def test_one_at_a_time_has_the_turn_and_the_next_goes_on_from_there(redis: Redis) -> None:
    first, second = (Turns(redis, patience("REDIS"), "sweep") for _ in range(2))
    other = Turns(redis, patience("REDIS"), "review")
    assert await first.take()
    assert await first.take()
    assert not await second.take()
    assert await other.take()
    assert await first.place() is None

    await first.keep(-7)
    await redis.delete("feed:turn:{sweep}")  # its time is over

    assert await second.take()
    assert await second.place() == -7
    assert not await first.take()


async def test_a_turn_ends_by_itself(redis: Redis) -> None:
    assert await Turns(redis, patience("REDIS"), "sweep", seconds=7).take()
    assert 0 < await redis.ttl("feed:turn:{sweep}") <= 7
