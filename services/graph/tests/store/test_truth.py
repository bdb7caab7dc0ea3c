"""Edges as rows: both copies, the events beside them, and the lock on a pair."""

import asyncio

import pytest
from asyncpg import UniqueViolationError
from graph_service.model import Kind, Relation, Step
from graph_service.store.truth import Truth
from kit.postgres import Postgres

from services.graph.tests.events import change_ids, told

ANN, BEN, CID = 1, 2, 3
TABLES = {
    Kind.FOLLOWED: ("following_by_follower", "followers_by_followee"),
    Kind.REQUESTED: ("requests_by_follower", "requests_by_followee"),
    Kind.BLOCKED: ("blocks_by_blocker", "blocks_by_blocked"),
    Kind.MUTED: ("mutes_by_muter",),
}
UNDONE = {
    Kind.FOLLOWED: Kind.UNFOLLOWED,
    Kind.REQUESTED: Kind.WITHDRAWN,
    Kind.BLOCKED: Kind.UNBLOCKED,
    Kind.MUTED: Kind.UNMUTED,
}


async def make(truth: Truth, *steps: Step) -> None:
    async with truth.pair(steps[0].actor_id, steps[0].target_id) as pair:
        await pair.make(steps)


async def rows(postgres: Postgres, kind: Kind) -> list[int]:
    return [await postgres.primary.fetchval(f"select count(*) from {table}") for table in TABLES[kind]]


@pytest.mark.parametrize("kind", TABLES)
async def test_every_copy_of_an_edge_comes_and_goes_with_it(truth: Truth, postgres: Postgres, kind: Kind):
    await make(truth, Step(kind, ANN, BEN))
    assert await rows(postgres, kind) == [1] * len(TABLES[kind])

    await make(truth, Step(UNDONE[kind], ANN, BEN))
    assert await rows(postgres, kind) == [0] * len(TABLES[kind])
    assert await told(postgres) == [f"1 {kind.value} 2", f"1 {UNDONE[kind].value} 2"]


@pytest.mark.parametrize(
    ("kind", "mine", "theirs"),
    [
        (Kind.FOLLOWED, Relation(BEN, following=True), Relation(ANN, followed_by=True)),
        (Kind.REQUESTED, Relation(BEN, requested=True), Relation(ANN, requested_by=True)),
        (Kind.BLOCKED, Relation(BEN, blocking=True), Relation(ANN, blocked_by=True)),
        (Kind.MUTED, Relation(BEN, muting=True), Relation(ANN)),
    ],
)
async def test_an_edge_is_seen_from_both_ends(truth: Truth, kind: Kind, mine: Relation, theirs: Relation):
    await make(truth, Step(kind, ANN, BEN))

    assert await truth.relations(ANN, [CID, BEN]) == {CID: Relation(CID), BEN: mine}
    assert await truth.relations(BEN, [ANN]) == {ANN: theirs}


async def test_a_close_friend_knows_whose_they_are_until_a_block(truth: Truth, postgres: Postgres):
    await postgres.primary.execute("insert into close_friends_by_owner (owner_id, friend_id, id) values (1, 2, 9)")
    await postgres.primary.execute("insert into close_friends_by_friend (owner_id, friend_id, id) values (1, 2, 9)")
    assert await truth.relations(BEN, [ANN]) == {ANN: Relation(ANN, close_friend_of=True)}

    await make(truth, Step(Kind.BLOCKED, BEN, ANN))

    assert await truth.relations(BEN, [ANN]) == {ANN: Relation(ANN, blocking=True)}
    assert await postgres.primary.fetchval("select count(*) from close_friends_by_owner") == 0


async def test_a_follow_fulfils_its_request(truth: Truth, postgres: Postgres):
    await make(truth, Step(Kind.REQUESTED, ANN, BEN))
    await make(truth, Step(Kind.FOLLOWED, ANN, BEN))

    assert await truth.relations(ANN, [BEN]) == {BEN: Relation(BEN, following=True)}
    assert await rows(postgres, Kind.REQUESTED) == [0, 0]


async def test_changes_of_one_transaction_are_told_in_their_order(truth: Truth, postgres: Postgres):
    await make(truth, Step(Kind.FOLLOWED, ANN, BEN))
    await make(truth, Step(Kind.UNFOLLOWED, ANN, BEN), Step(Kind.BLOCKED, BEN, ANN))

    assert await told(postgres) == ["1 followed 2", "1 unfollowed 2", "2 blocked 1"]
    ids = await change_ids(postgres)
    assert ids == sorted(set(ids))


async def test_what_fails_leaves_neither_rows_nor_events(truth: Truth, postgres: Postgres):
    with pytest.raises(UniqueViolationError):
        await make(truth, Step(Kind.FOLLOWED, ANN, BEN), Step(Kind.FOLLOWED, ANN, BEN))

    assert await rows(postgres, Kind.FOLLOWED) == [0, 0]
    assert await told(postgres) == []


async def test_a_pair_is_locked_whoever_acts_and_others_are_not(truth: Truth):
    async with truth.pair(ANN, BEN):
        waiting = asyncio.create_task(make(truth, Step(Kind.FOLLOWED, BEN, ANN)))
        await make(truth, Step(Kind.FOLLOWED, ANN, CID))
        await make(truth, Step(Kind.FOLLOWED, BEN, CID))
        assert not waiting.done()
    await waiting

    assert await truth.relations(ANN, [BEN]) == {BEN: Relation(BEN, followed_by=True)}
