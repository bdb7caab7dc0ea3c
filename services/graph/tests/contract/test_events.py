"""Events on Kafka: those that this service emits, and what it does about its own."""

import pytest
from graph_service.model.relations import Kind, Step
from heliograph.graph.v1 import graph_pb2 as pb
from kit.consumer import Delivery
from kit.testing import eventually

from services.graph.tests.world import World

ANN, BEN, CID = 1, 2, 3


async def counts_of(world: World, user: int) -> tuple[int, int]:
    answer = await world.one.stub.BatchGetCounts(pb.BatchGetCountsRequest(ids=[user]))
    return answer.counts[0].followers, answer.counts[0].following


async def relationship(world: World, viewer: int, user: int) -> pb.Relationship:
    request = pb.BatchGetRelationshipsRequest(viewer_id=viewer, ids=[user])
    return (await world.one.stub.BatchGetRelationships(request)).relationships[0]


async def test_what_happens_between_two_arrives_in_order_under_one_key(world: World, running: list[Delivery]):
    stub = world.one.stub
    await stub.Follow(pb.FollowRequest(viewer_id=BEN, user_id=ANN))
    await stub.Follow(pb.FollowRequest(viewer_id=ANN, user_id=BEN))
    await stub.Block(pb.BlockRequest(viewer_id=ANN, user_id=BEN))
    await stub.Unblock(pb.UnblockRequest(viewer_id=ANN, user_id=BEN))

    async def all_heard() -> bool:
        return len(running) == 6

    await eventually(all_heard, timeout=30)
    assert {delivery.key for delivery in running} == {"1:2"}
    assert [delivery.type.rpartition(".")[2] for delivery in running] == [
        "Followed",
        "Followed",
        "Unfollowed",
        "Unfollowed",
        "Blocked",
        "Unblocked",
    ]


async def test_counts_are_right_in_the_answer_after_the_call_and_stay_so(world: World, running: list[Delivery]):
    await world.one.stub.Follow(pb.FollowRequest(viewer_id=ANN, user_id=BEN))
    assert (await counts_of(world, BEN), await counts_of(world, ANN)) == ((1, 0), (0, 1))

    async def all_heard() -> bool:
        return len(running) == 1

    await eventually(all_heard, timeout=30)
    assert (await counts_of(world, BEN), await counts_of(world, ANN)) == ((1, 0), (0, 1))
    await world.one.stub.Block(pb.BlockRequest(viewer_id=BEN, user_id=ANN))
    assert (await counts_of(world, BEN), await counts_of(world, ANN)) == ((0, 0), (0, 0))


@pytest.mark.usefixtures("running")
async def test_a_change_whose_process_died_after_the_commit_is_counted_and_seen(world: World):
    assert not (await relationship(world, BEN, ANN)).followed_by
    async with world.one.truth.pair(ANN, BEN) as pair:
        await pair.make([Step(Kind.FOLLOWED, ANN, BEN)])

    async def settled() -> bool:
        seen = await relationship(world, BEN, ANN)
        return seen.followed_by and await counts_of(world, BEN) == (1, 0)

    await eventually(settled, timeout=30)
