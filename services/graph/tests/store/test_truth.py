"""Edges as rows: both copies, the events beside them, and the lock on a pair."""

import asyncio
from datetime import timedelta

import pytest
from asyncpg import UniqueViolationError
from graph_service.model.relations import Kind, Relation, Step
from graph_service.store.mutes import EndedMutes
from graph_service.store.truth import Truth
from kit.postgres import Postgres

from services.graph.tests.events import change_ids, told
from services.graph.tests.world import Clock

ANN, BEN, CID = 1, 2, 3
TABLES = {
    Kind.FOLLOWED: ("following_by_follower", "followers_by_followee"),
    Kind.REQUESTED: ("requests_by_follower", "requests_by_followee"),
    Kind.BLOCKED: ("blocks_by_blocker", "blocks_by_blocked"),
    Kind.MUTED: ("mutes_by_muter",),
    Kind.CLOSE_FRIEND_ADDED: ("close_friends_by_owner", "close_friends_by_friend"),
}
UNDONE = {
    Kind.FOLLOWED: Kind.UNFOLLOWED,
    Kind.REQUESTED: Kind.WITHDRAWN,
    Kind.BLOCKED: Kind.UNBLOCKED,
    Kind.MUTED: Kind.UNMUTED,
    Kind.CLOSE_FRIEND_ADDED: Kind.CLOSE_FRIEND_REMOVED,
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
        (Kind.CLOSE_FRIEND_ADDED, Relation(BEN, close_friend=True), Relation(ANN, close_friend_of=True)),
    ],
)
async def test_an_edge_is_seen_from_both_ends(truth: Truth, kind: Kind, mine: Relation, theirs: Relation):
    await make(truth, Step(kind, ANN, BEN))

    assert await truth.relations(ANN, [CID, BEN]) == {CID: Relation(CID), BEN: mine}
    assert await truth.relations(BEN, [ANN]) == {ANN: theirs}


async def test_a_mute_has_its_last_end_and_is_over_then(truth: Truth, clock: Clock, postgres: Postgres):
    soon, later = clock.now + timedelta(seconds=5), clock.now + timedelta(seconds=10)
    await make(truth, Step(Kind.MUTED, ANN, BEN, soon))
    await make(truth, Step(Kind.MUTED, ANN, BEN, later))
    assert await rows(postgres, Kind.MUTED) == [1]

    clock.now = later - timedelta(milliseconds=1)
    assert (await truth.relations(ANN, [BEN]))[BEN].muting
    clock.now = later
    assert await truth.relations(ANN, [BEN]) == {BEN: Relation(BEN)}
    async with truth.pair(ANN, BEN) as pair:
        assert await pair.relation(ANN, BEN) == Relation(BEN)


async def test_a_request_is_known_by_the_change_that_made_it(truth: Truth, postgres: Postgres):
    await make(truth, Step(Kind.REQUESTED, ANN, BEN))

    async with truth.pair(ANN, BEN) as pair:
        assert [await pair.asked(ANN, BEN)] == await change_ids(postgres)
        assert await pair.asked(BEN, ANN) is None


async def test_rows_of_ended_mutes_go_and_no_others(truth: Truth, clock: Clock, postgres: Postgres):
    for user, seconds in ((BEN, 1), (CID, 7200)):
        await make(truth, Step(Kind.MUTED, ANN, user, clock.now + timedelta(seconds=seconds)))
    await make(truth, Step(Kind.MUTED, BEN, ANN))
    clock.forward(4000)

    assert [await EndedMutes(postgres, clock).sweep() for _ in range(2)] == [1, 0]
    assert await rows(postgres, Kind.MUTED) == [2]
    assert (await truth.relations(ANN, [CID]))[CID].muting


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
