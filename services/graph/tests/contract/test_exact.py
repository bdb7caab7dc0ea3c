"""Whatever many do at once, through several processes: both copies of each edge agree, and so do the counts."""

import asyncio
import random
from collections.abc import Awaitable
from typing import Any

import pytest
from graph_service.store.counts import CountRows
from heliograph.graph.v1 import graph_pb2 as pb
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub
from kit.errors import DomainError
from kit.postgres import Postgres

from services.graph.tests.world import World

PEOPLE = range(1, 8)
COPIES = (
    ("following_by_follower", "followers_by_followee", "follower_id, followee_id, id"),
    ("requests_by_follower", "requests_by_followee", "follower_id, followee_id, id"),
    ("blocks_by_blocker", "blocks_by_blocked", "blocker_id, blocked_id, id"),
    ("close_friends_by_owner", "close_friends_by_friend", "owner_id, friend_id, id"),
)
# What makes edges comes more often than what cuts them, or there would be little to cut.
ACTS = [
    *["Follow"] * 6,
    *["AddCloseFriend"] * 2,
    *["Unblock"] * 2,
    *["Unfollow", "RemoveFollower", "AcceptFollowRequest", "RejectFollowRequest", "Block"],
]


def act(stub: GraphServiceStub, name: str, one: int, other: int) -> Awaitable[object]:
    request: Any = getattr(pb, f"{name}Request")(viewer_id=one, user_id=other)
    return getattr(stub, name)(request)


async def rows(postgres: Postgres, table: str, columns: str) -> set[tuple[int, ...]]:
    return {tuple(row) for row in await postgres.primary.fetch(f"select {columns} from {table}")}


@pytest.mark.parametrize("seed", [1, 2])
async def test_what_many_do_at_once_leaves_edges_and_counts_exact(world: World, seed: int):
    rng = random.Random(seed)
    world.users.private.update((6, 7))
    stubs = (world.one.stub, world.other.stub)
    for _ in range(15):
        calls = [act(rng.choice(stubs), rng.choice(ACTS), *rng.sample(PEOPLE, 2)) for _ in range(20)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)
        faults = [each for each in outcomes if isinstance(each, Exception) and not isinstance(each, DomainError)]
        assert faults == []

    for one, other, columns in COPIES:
        assert await rows(world.postgres, one, columns) == await rows(world.postgres, other, columns)
    follows = await rows(world.postgres, "following_by_follower", "follower_id, followee_id")
    blocks = await rows(world.postgres, "blocks_by_blocker", "blocker_id, blocked_id")
    assert follows
    assert not follows & (blocks | {(other, one) for one, other in blocks})
    exact = await CountRows(world.postgres).count(list(PEOPLE))
    for stub in stubs:
        counted = (await stub.BatchGetCounts(pb.BatchGetCountsRequest(ids=PEOPLE))).counts
        assert {one.id: {"followers": one.followers, "following": one.following} for one in counted} == exact
