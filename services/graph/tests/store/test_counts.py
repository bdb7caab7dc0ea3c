"""Counts in Redis, flushed and reconciled with the edges."""

from datetime import UTC, datetime

import pytest
from graph_service.model import lists
from graph_service.model.relations import Change, Kind, Step
from graph_service.store.counts import CountRows, Counts, counters_of
from graph_service.store.truth import Truth
from kit.counters import Counters
from kit.postgres import Postgres
from redis.asyncio import Redis

ANN, BEN, CID = 1, 2, 3


@pytest.fixture
def counters(redis: Redis, postgres: Postgres) -> Counters:
    return counters_of(redis, CountRows(postgres))


@pytest.fixture
def counts(counters: Counters) -> Counts:
    return Counts(counters)


def followed(change_id: int) -> Change:
    return Change(Step(Kind.FOLLOWED, ANN, BEN), change_id, datetime.now(UTC))


async def test_a_change_counts_once_for_each_of_the_two(counts: Counts):
    for _ in range(3):
        await counts.apply(followed(10))

    assert await counts.get([BEN, ANN, CID]) == {
        ANN: lists.Counts(ANN, followers=0, following=1),
        BEN: lists.Counts(BEN, followers=1, following=0),
        CID: lists.Counts(CID, followers=0, following=0),
    }


async def test_counts_survive_the_loss_of_redis(counts: Counts, counters: Counters, redis: Redis):
    await counts.apply(followed(10))
    await counters.flush()
    await redis.flushdb()

    assert (await counts.get([BEN]))[BEN] == lists.Counts(BEN, followers=1, following=0)


async def test_edges_are_counted_exactly(truth: Truth, postgres: Postgres):
    for fan in (5, 6, 7):
        async with truth.pair(fan, BEN) as pair:
            await pair.make([Step(Kind.FOLLOWED, fan, BEN)])

    assert await CountRows(postgres).count([BEN, 5, CID]) == {
        BEN: {"followers": 3, "following": 0},
        5: {"followers": 0, "following": 1},
        CID: {"followers": 0, "following": 0},
    }


async def test_a_change_is_not_lost_on_the_caller_when_redis_is_away(postgres: Postgres):
    away = Redis.from_url("redis://127.0.0.1:1/0", socket_connect_timeout=0.1)

    await Counts(counters_of(away, CountRows(postgres))).try_apply(followed(10))
