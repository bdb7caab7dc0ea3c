"""What readers see of a change while others read, fill, restart and fail."""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from graph_service.model.relations import Kind, Relation, Step
from graph_service.store.relations import Load, Relations, answers
from graph_service.store.switch import Switch
from graph_service.store.truth import Truth
from kit.postgres import Postgres
from redis.asyncio import Redis

LEASE = 0.2
ANN, BEN, CID = 1, 2, 3


class SlowTruth:
    """Reads at once, answers when told."""

    def __init__(self, truth: Truth) -> None:
        self._truth = truth
        self.has_read, self.may_answer = asyncio.Event(), asyncio.Event()

    async def relations(self, viewer_id: int, ids: Sequence[int]) -> dict[int, Relation]:
        relations = await self._truth.relations(viewer_id, ids)
        self.has_read.set()
        await self.may_answer.wait()
        return relations


async def never(viewer_id: int, ids: Sequence[int]) -> dict[int, Relation]:
    """Proves that an answer came from the cache."""
    raise AssertionError(f"read past the cache: {viewer_id} {ids}")


def unreachable() -> Redis:
    return Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.1)


def relations_of(load: Load, redis: Redis, postgres: Postgres, *, lease: float = LEASE) -> Relations:
    """As in a process of its own."""
    switch = Switch(postgres, lambda: answers(redis), lease=lease)
    return Relations(load, redis, switch, now=lambda: datetime.now(UTC))


@pytest.fixture
def relations(truth: Truth, redis: Redis, postgres: Postgres) -> Relations:
    return relations_of(truth.relations, redis, postgres)


async def make(truth: Truth, kind: Kind, actor_id: int, target_id: int) -> None:
    async with truth.pair(actor_id, target_id) as pair:
        await pair.make([Step(kind, actor_id, target_id)])


async def test_what_was_read_once_comes_from_the_cache(
    relations: Relations, truth: Truth, redis: Redis, postgres: Postgres
):
    await make(truth, Kind.FOLLOWED, ANN, BEN)
    first = await relations.get(ANN, [BEN, CID])

    again = await relations_of(never, redis, postgres).get(ANN, [CID, BEN])

    assert first == again == {BEN: Relation(BEN, following=True), CID: Relation(CID)}


async def test_a_change_is_seen_from_both_sides_once_it_is_forgotten(relations: Relations, truth: Truth):
    assert await relations.get(ANN, [BEN]) == {BEN: Relation(BEN)}
    assert await relations.get(BEN, [ANN]) == {ANN: Relation(ANN)}

    await make(truth, Kind.BLOCKED, ANN, BEN)
    await relations.forget(ANN, BEN)

    assert await relations.get(ANN, [BEN]) == {BEN: Relation(BEN, blocking=True)}
    assert await relations.get(BEN, [ANN]) == {ANN: Relation(ANN, blocked_by=True)}


async def test_a_change_is_written_through_to_both_sides(
    relations: Relations, truth: Truth, redis: Redis, postgres: Postgres
):
    await make(truth, Kind.FOLLOWED, ANN, BEN)
    await relations.renew(ANN, BEN)

    cached = relations_of(never, redis, postgres)
    assert await cached.get(ANN, [BEN]) == {BEN: Relation(BEN, following=True)}
    assert await cached.get(BEN, [ANN]) == {ANN: Relation(ANN, followed_by=True)}


@pytest.mark.parametrize(("reader", "other"), [(ANN, BEN), (BEN, ANN)])
@pytest.mark.parametrize("filled_between", [False, True])
async def test_a_slow_reader_does_not_bring_back_what_it_read_before_the_change(
    relations: Relations, truth: Truth, redis: Redis, postgres: Postgres, reader: int, other: int, filled_between: bool
):
    slow_truth = SlowTruth(truth)
    slow = asyncio.create_task(relations_of(slow_truth.relations, redis, postgres).get(reader, [other]))
    await slow_truth.has_read.wait()

    await make(truth, Kind.BLOCKED, ANN, BEN)
    await relations.forget(ANN, BEN)
    if filled_between:
        await relations.get(reader, [other])
    slow_truth.may_answer.set()
    assert not (await slow)[other].hidden

    assert (await relations.get(reader, [other]))[other].hidden


async def test_what_another_run_of_redis_left_behind_is_not_believed(relations: Relations, truth: Truth, redis: Redis):
    await make(truth, Kind.FOLLOWED, ANN, BEN)
    await relations.get(ANN, [BEN])
    (key,) = await redis.keys("graph:relations:*{1}")
    before = await redis.dump(key)
    assert before
    await make(truth, Kind.UNFOLLOWED, ANN, BEN)
    await relations.forget(ANN, BEN)

    await redis.restore(key, 0, before, replace=True)  # as a snapshot does at a restart,
    await redis.hset(key, "run", secrets.token_hex(20))  # which gives the process another run id

    assert await relations.get(ANN, [BEN]) == {BEN: Relation(BEN)}


async def test_without_redis_the_truth_answers(truth: Truth, postgres: Postgres):
    relations = relations_of(truth.relations, unreachable(), postgres)
    await make(truth, Kind.FOLLOWED, ANN, BEN)

    assert await relations.get(ANN, [BEN]) == {BEN: Relation(BEN, following=True)}


async def test_a_writer_cut_off_from_redis_keeps_others_from_believing_it(
    relations: Relations, truth: Truth, postgres: Postgres
):
    await relations.get(BEN, [ANN])
    cut_off = relations_of(truth.relations, unreachable(), postgres)

    await make(truth, Kind.BLOCKED, ANN, BEN)
    await cut_off.forget(ANN, BEN)

    assert await relations.get(BEN, [ANN]) == {ANN: Relation(ANN, blocked_by=True)}


async def test_the_cache_comes_back_by_itself_without_what_it_held(
    relations: Relations, truth: Truth, redis: Redis, postgres: Postgres
):
    await relations.get(BEN, [ANN])
    await make(truth, Kind.BLOCKED, ANN, BEN)
    await relations_of(truth.relations, unreachable(), postgres).forget(ANN, BEN)

    async with asyncio.timeout(10):
        while not await redis.keys("graph:relations:2:*"):
            assert await relations.get(BEN, [ANN]) == {ANN: Relation(ANN, blocked_by=True)}
            await asyncio.sleep(LEASE / 4)

    assert await relations_of(never, redis, postgres).get(BEN, [ANN]) == {ANN: Relation(ANN, blocked_by=True)}


async def test_while_it_is_off_writers_wait_for_nothing(truth: Truth, postgres: Postgres):
    lease = 1.0
    cut_off = relations_of(truth.relations, unreachable(), postgres, lease=lease)
    await cut_off.forget(ANN, BEN)

    async with asyncio.timeout(lease):
        await cut_off.forget(ANN, BEN)


async def test_readers_racing_with_changes_never_see_an_answered_change_undone(
    relations: Relations, truth: Truth, redis: Redis, postgres: Postgres
):
    others = [relations_of(truth.relations, redis, postgres) for _ in range(4)]
    stop = asyncio.Event()

    async def read_on(mine: Relations) -> None:
        while not stop.is_set():
            await mine.get(BEN, [ANN])

    readers = [asyncio.create_task(read_on(mine)) for mine in others]
    for _ in range(15):
        for kind in (Kind.BLOCKED, Kind.UNBLOCKED):
            await make(truth, kind, ANN, BEN)
            await relations.renew(ANN, BEN)
            for mine in others:
                assert (await mine.get(BEN, [ANN]))[ANN].blocked_by is (kind is Kind.BLOCKED)
    stop.set()
    await asyncio.gather(*readers)
