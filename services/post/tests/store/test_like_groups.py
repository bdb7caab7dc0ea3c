"""Likes of one post that come at the same time, on the real server."""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager

import pytest
from heliograph.events.v1.engagement_events_pb2 import EngagementEvent
from kit.errors import Unavailable
from kit.kafka import open_producer
from kit.outbox import Event, Outbox
from kit.postgres import Postgres
from kit.settings import KafkaSettings
from kit.testing import MakeSettings
from post_service.events import encode
from post_service.model.changes import Change, LikeChanged
from post_service.service.like_groups import LikeGroups, Outcome
from post_service.service.tallies import Tallies
from post_service.store.truth import Transaction, Truth

POST, AUTHOR, ADA = 100, 11, 12
CROWD = range(1000, 1200)


class Numbers:
    """Stands for kit.counters: each change counts once."""

    def __init__(self) -> None:
        self.counted: dict[str, int] = {}

    async def apply(self, entity_id: int, field: str, delta: int, change_id: str) -> Mapping[str, int]:
        return await self.apply_many(entity_id, field, {change_id: delta})

    async def apply_many(self, entity_id: int, field: str, deltas: Mapping[str, int]) -> Mapping[str, int]:
        assert (entity_id, field) == (POST, "likes")
        self.counted |= deltas
        return (await self.get([POST]))[POST]

    async def get(self, ids: Sequence[int]) -> Mapping[int, Mapping[str, int]]:
        return {POST: {"likes": sum(self.counted.values()), "comments": 0}}


@pytest.fixture
def numbers() -> Numbers:
    return Numbers()


@pytest.fixture
def groups(truth: Truth, numbers: Numbers) -> LikeGroups:
    return LikeGroups(truth, Tallies(numbers, numbers))


async def like(groups: LikeGroups, user_id: int) -> Outcome:
    return await groups.change(POST, AUTHOR, user_id, liked=True)


async def unlike(groups: LikeGroups, user_id: int) -> Outcome:
    return await groups.change(POST, AUTHOR, user_id, liked=False)


async def likers(postgres: Postgres) -> set[int]:
    rows = await postgres.primary.fetch("select user_id from likes where post_id = $1", POST)
    return {row["user_id"] for row in rows}


async def told(postgres: Postgres) -> list[tuple[int, bool, int]]:
    """Account, liked or not, and change id of each event, in order."""
    rows = await postgres.primary.fetch("select key, shard, payload from outbox order by id")
    found: list[tuple[int, bool, int]] = []
    for row in rows:
        event = EngagementEvent.FromString(row["payload"])
        change = event.post_liked if event.HasField("post_liked") else event.post_unliked
        assert (row["key"], row["shard"], change.post_author_id) == (f"{POST}:{change.user_id}", POST, AUTHOR)
        found.append((change.user_id, event.HasField("post_liked"), change.change_id))
    return found


async def test_what_comes_together_is_committed_together(groups: LikeGroups, postgres: Postgres) -> None:
    outcomes = await asyncio.gather(*(like(groups, user_id) for user_id in CROWD))
    assert await likers(postgres) == set(CROWD)
    transactions = await postgres.primary.fetchval("select count(distinct xmin::text) from likes")
    assert transactions <= 3  # the first goes alone, the rest wait for it
    assert {outcome.change_id for outcome in outcomes} == {change_id for _, _, change_id in await told(postgres)}
    assert outcomes[-1].counts.likes == len(CROWD)


async def test_a_crowd_of_mixed_wishes_leaves_exact_rows_events_and_counts(
    groups: LikeGroups, postgres: Postgres, numbers: Numbers
) -> None:
    twice, changing = CROWD[::5], CROWD[::3]
    wishes = [like(groups, user_id) for user_id in CROWD]
    wishes += [like(groups, user_id) for user_id in twice]
    wishes += [unlike(groups, user_id) for user_id in changing]
    outcomes = await asyncio.gather(*wishes)
    assert await likers(postgres) == set(CROWD) - set(changing)
    changes = await told(postgres)
    assert len([change for change in changes if change[1]]) == len(CROWD)
    assert {user_id for user_id, liked, _ in changes if not liked} == set(changing)
    assert len(changes) == len(CROWD) + len(changing)
    made = [outcome.change_id for outcome in outcomes if outcome.change_id]
    assert sorted(made) == sorted(change_id for _, _, change_id in changes)
    assert [outcome.change_id for outcome in outcomes[len(CROWD) : len(CROWD) + len(twice)]] == [0] * len(twice)
    assert sum(numbers.counted.values()) == len(await likers(postgres))


async def test_wishes_of_one_account_take_effect_in_their_order(groups: LikeGroups, postgres: Postgres) -> None:
    wishes = [like(groups, ADA), unlike(groups, ADA), unlike(groups, ADA), like(groups, ADA), like(groups, ADA)]
    others = [like(groups, user_id) for user_id in CROWD]
    outcomes = await asyncio.gather(*wishes, *others)
    assert [bool(outcome.change_id) for outcome in outcomes[:5]] == [True, True, False, True, False]
    adas = [(liked, change_id) for user_id, liked, change_id in await told(postgres) if user_id == ADA]
    assert [liked for liked, _ in adas] == [True, False, True]
    assert sorted(change_id for _, change_id in adas) == [change_id for _, change_id in adas]
    assert ADA in await likers(postgres)


async def test_a_group_is_bounded(truth: Truth, numbers: Numbers, postgres: Postgres) -> None:
    groups = LikeGroups(truth, Tallies(numbers, numbers), most=50)
    await asyncio.gather(*(like(groups, user_id) for user_id in CROWD))
    sizes = await postgres.primary.fetch("select count(*) as size from likes group by xmin::text")
    assert max(row["size"] for row in sizes) == 50


async def test_who_gives_up_takes_nobody_along(groups: LikeGroups, postgres: Postgres) -> None:
    tasks = [asyncio.create_task(like(groups, user_id)) for user_id in CROWD]
    await asyncio.sleep(0)
    tasks[0].cancel()  # the one whose group is on its way
    tasks[7].cancel()  # one that waits
    outcomes = await asyncio.gather(*tasks, return_exceptions=True)
    gave_up = [user_id for user_id, outcome in zip(CROWD, outcomes, strict=True) if not isinstance(outcome, Outcome)]
    assert gave_up == [CROWD[0], CROWD[7]]
    assert set(CROWD) - set(gave_up) <= await likers(postgres)
    assert (await unlike(groups, CROWD[1])).change_id  # and the queue goes on


async def test_what_is_wrong_with_one_is_no_others_fault(
    postgres: Postgres, numbers: Numbers, make_settings: MakeSettings
) -> None:
    def encode_but_ada(change: Change) -> Event:
        if isinstance(change, LikeChanged) and change.user_id == ADA:
            raise ValueError("not this one")
        return encode(change)

    async with open_producer(make_settings(KafkaSettings)) as producer:
        truth = Truth(postgres, Outbox(postgres, producer, source="post"), encode_but_ada)
        groups = LikeGroups(truth, Tallies(numbers, numbers))
        outcomes = await asyncio.gather(
            *(like(groups, user_id) for user_id in (*CROWD[:20], ADA, *CROWD[20:40])), return_exceptions=True
        )
    failed = [outcome for outcome in outcomes if not isinstance(outcome, Outcome)]
    assert [type(error) for error in failed] == [ValueError]
    assert await likers(postgres) == set(CROWD[:40])
    assert {user_id for user_id, _, _ in await told(postgres)} == set(CROWD[:40])
    assert numbers.counted.keys() == {str(change_id) for _, _, change_id in await told(postgres)}


class Down(Truth):
    attempts = 0

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        self.attempts += 1
        await asyncio.sleep(0)
        raise Unavailable("POSTGRES_UNAVAILABLE", "a backing service is not available")
        yield


async def test_in_an_outage_all_that_wait_hear_of_it_at_once(
    postgres: Postgres, numbers: Numbers, make_settings: MakeSettings
) -> None:
    async with open_producer(make_settings(KafkaSettings)) as producer:
        truth = Down(postgres, Outbox(postgres, producer, source="post"), encode)
        groups = LikeGroups(truth, Tallies(numbers, numbers))
        outcomes = await asyncio.gather(*(like(groups, user_id) for user_id in CROWD), return_exceptions=True)
    assert {type(outcome) for outcome in outcomes} == {Unavailable}
    assert truth.attempts <= 3


async def test_two_processes_keep_the_order_of_one_pairs_changes(
    truth: Truth, numbers: Numbers, postgres: Postgres
) -> None:
    processes = [LikeGroups(truth, Tallies(numbers, numbers)) for _ in range(3)]
    wishes = [
        processes[number % 3].change(POST, AUTHOR, ADA + number % 4, liked=number // 12 % 2 == 0)
        for number in range(240)
    ]
    await asyncio.gather(*wishes)
    changes, liking = await told(postgres), await likers(postgres)
    assert len(changes) > 8
    for user_id in range(ADA, ADA + 4):
        mine = [(liked, change_id) for who, liked, change_id in changes if who == user_id]
        assert [liked for liked, _ in mine] == [number % 2 == 0 for number in range(len(mine))]
        assert sorted(change_id for _, change_id in mine) == [change_id for _, change_id in mine]
        assert (user_id in liking) is mine[-1][0]
    assert sum(numbers.counted.values()) == len(liking)
