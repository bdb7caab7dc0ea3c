"""Without Redis everything still works, if less quickly."""

from contextlib import AsyncExitStack

from heliograph.graph.v1 import graph_pb2 as pb
from kit.testing import Rpc
from pydantic import SecretStr

from services.graph.tests.events import told
from services.graph.tests.world import World, peer

ANN, BEN = 1, 2
NOWHERE = SecretStr("redis://127.0.0.1:1/0")


async def test_without_redis_changes_are_made_and_seen_by_those_who_still_have_it(world: World, rpc: Rpc):
    wanted = pb.BatchGetRelationshipsRequest(viewer_id=ANN, ids=[BEN])
    follow = pb.FollowRequest(viewer_id=ANN, user_id=BEN)
    async with AsyncExitStack() as stack:
        cut_off = await peer(
            stack, world.settings.model_copy(update={"redis_url": NOWHERE}), world.users, world.clock, rpc
        )
        await cut_off.stub.Follow(follow)
        assert (await world.one.stub.BatchGetRelationships(wanted)).relationships[0].following

        await cut_off.stub.Block(pb.BlockRequest(viewer_id=BEN, user_id=ANN))
        expected = pb.Relationship(id=BEN, blocked_by=True)
        for one in (cut_off, world.one, world.other):
            assert (await one.stub.BatchGetRelationships(wanted)).relationships == [expected]
        counts = await cut_off.stub.BatchGetCounts(pb.BatchGetCountsRequest(ids=[BEN]))
        listed = await cut_off.stub.ListBlocks(pb.ListBlocksRequest(viewer_id=BEN))

    assert counts.counts[0] == pb.Counts(id=BEN)
    assert [edge.user_id for edge in listed.edges] == [ANN]
    assert await told(world.postgres) == ["1 followed 2", "1 unfollowed 2", "2 blocked 1"]
