"""Timed mutes and close friends, as callers meet them."""

from datetime import timedelta

import pytest
from heliograph.graph.v1 import graph_pb2 as pb
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub
from kit.errors import FailedPrecondition, InvalidArgument, NotFound
from kit.proto import datetime_of, timestamp

from services.graph.tests.events import told
from services.graph.tests.world import World

ANN, BEN, CID, DAN = 1, 2, 3, 4


async def mute(stub: GraphServiceStub, *, seconds: int | None = None) -> pb.Relationship:
    request = pb.MuteRequest(viewer_id=ANN, user_id=BEN)
    if seconds is not None:
        request.seconds = seconds
    return (await stub.Mute(request)).relationship


async def relationship(stub: GraphServiceStub, viewer: int, user: int) -> pb.Relationship:
    request = pb.BatchGetRelationshipsRequest(viewer_id=viewer, ids=[user])
    return (await stub.BatchGetRelationships(request)).relationships[0]


async def muted(stub: GraphServiceStub) -> list[int]:
    return [edge.user_id for edge in (await stub.ListMutes(pb.ListMutesRequest(viewer_id=ANN))).edges]


async def add(stub: GraphServiceStub, viewer: int, user: int) -> pb.Relationship:
    return (await stub.AddCloseFriend(pb.AddCloseFriendRequest(viewer_id=viewer, user_id=user))).relationship


async def remove(stub: GraphServiceStub, viewer: int, user: int) -> pb.Relationship:
    return (await stub.RemoveCloseFriend(pb.RemoveCloseFriendRequest(viewer_id=viewer, user_id=user))).relationship


async def close_friends(stub: GraphServiceStub, viewer: int, size: int = 10, token: str = "") -> tuple[list[int], str]:
    request = pb.ListCloseFriendsRequest(viewer_id=viewer, page_size=size, page_token=token)
    answer = await stub.ListCloseFriends(request)
    return [edge.user_id for edge in answer.edges], answer.next_page_token


async def test_a_mute_is_over_at_its_end_wherever_it_is_read(stub: GraphServiceStub, world: World):
    answered = await mute(stub, seconds=60)
    until = datetime_of(answered.muted_until)
    assert answered.muting
    assert timedelta(0) <= until - world.clock.now - timedelta(seconds=60) < timedelta(milliseconds=1)

    world.clock.now = until - timedelta(milliseconds=1)
    for one in (world.one.stub, world.other.stub):
        assert await relationship(one, ANN, BEN) == answered
    assert await muted(stub) == [BEN]

    world.clock.now = until
    for one in (world.one.stub, world.other.stub):  # from the cache, which nothing has touched
        assert await relationship(one, ANN, BEN) == pb.Relationship(id=BEN)
    assert await muted(stub) == []
    answer = await stub.Unmute(pb.UnmuteRequest(viewer_id=ANN, user_id=BEN))
    assert answer.relationship == pb.Relationship(id=BEN)
    assert await told(world.postgres) == ["1 muted 2"]


async def test_muting_again_moves_the_end_and_a_plain_mute_has_none(stub: GraphServiceStub, world: World):
    await mute(stub, seconds=60)
    later = datetime_of((await mute(stub, seconds=3600)).muted_until)
    again = pb.MuteRequest(viewer_id=ANN, user_id=BEN, until=timestamp(later))
    assert datetime_of((await stub.Mute(again)).relationship.muted_until) == later
    world.clock.forward(600)
    assert (await relationship(stub, ANN, BEN)).muting

    assert await mute(stub) == pb.Relationship(id=BEN, muting=True)
    world.clock.forward(10**9)
    assert (await relationship(stub, ANN, BEN)).muting
    assert await told(world.postgres) == ["1 muted 2"] * 3


async def test_who_was_muted_for_a_while_can_be_muted_anew(stub: GraphServiceStub, world: World):
    await mute(stub, seconds=5)
    world.clock.forward(10)

    assert (await mute(stub, seconds=5)).muting
    assert await muted(stub) == [BEN]


@pytest.mark.parametrize("seconds", [0, -1, 1 << 60])
async def test_an_end_that_cannot_be_is_refused(stub: GraphServiceStub, world: World, seconds: int):
    with pytest.raises(InvalidArgument) as caught:
        await mute(stub, seconds=seconds)
    assert (caught.value.reason, [fault.field for fault in caught.value.fields]) == ("INVALID_FIELD", ["/seconds"])
    assert await told(world.postgres) == []


async def test_an_end_that_has_passed_is_refused(stub: GraphServiceStub, world: World):
    with pytest.raises(InvalidArgument):
        await stub.Mute(pb.MuteRequest(viewer_id=ANN, user_id=BEN, until=timestamp(world.clock.now)))
    assert await told(world.postgres) == []


async def test_a_close_friend_knows_nothing_of_it_but_those_who_decide_do(stub: GraphServiceStub, world: World):
    for _ in range(2):
        assert await add(stub, ANN, BEN) == pb.Relationship(id=BEN, close_friend=True)
    assert await relationship(world.other.stub, BEN, ANN) == pb.Relationship(id=ANN, close_friend_of=True)

    for _ in range(2):
        assert await remove(stub, ANN, BEN) == pb.Relationship(id=BEN)
    assert await relationship(world.other.stub, BEN, ANN) == pb.Relationship(id=ANN)
    assert await told(world.postgres) == ["1 close_friend_added 2", "1 close_friend_removed 2"]


async def test_close_friends_are_listed_in_pages_for_oneself_alone(stub: GraphServiceStub):
    for friend in (BEN, CID, DAN):
        await add(stub, ANN, friend)

    first, token = await close_friends(stub, ANN, 2)

    assert first == [DAN, CID]
    assert await close_friends(stub, ANN, 2, token) == ([BEN], "")
    assert await close_friends(stub, BEN) == ([], "")


async def test_a_block_ends_close_friends_both_ways_and_tells_it(stub: GraphServiceStub, world: World):
    await add(stub, ANN, BEN)
    await add(stub, BEN, ANN)

    await stub.Block(pb.BlockRequest(viewer_id=BEN, user_id=ANN))

    assert (await told(world.postgres))[2:] == ["2 close_friend_removed 1", "1 close_friend_removed 2", "2 blocked 1"]
    assert await relationship(stub, ANN, BEN) == pb.Relationship(id=BEN, blocked_by=True)
    assert await close_friends(stub, ANN) == await close_friends(stub, BEN) == ([], "")


async def test_who_cannot_be_a_close_friend(stub: GraphServiceStub):
    await stub.Block(pb.BlockRequest(viewer_id=BEN, user_id=ANN))

    with pytest.raises(NotFound):
        await add(stub, ANN, BEN)
    with pytest.raises(FailedPrecondition):
        await add(stub, BEN, ANN)
    with pytest.raises(NotFound):
        await add(stub, ANN, 100)
    with pytest.raises(InvalidArgument):
        await add(stub, ANN, ANN)
