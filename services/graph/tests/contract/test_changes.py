"""Follow, request, block and mute, as callers meet them."""

import asyncio
import itertools
from typing import Any

import pytest
from graph_service.model.lists import MAX_IDS
from heliograph.graph.v1 import graph_pb2 as pb
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub
from kit.errors import DomainError, FailedPrecondition, InvalidArgument, NotFound, Unauthenticated

from services.graph.tests.events import change_ids, told
from services.graph.tests.world import MOST_FOLLOWS, World

ANN, BEN, CID = 1, 2, 3
NOBODY = 100


async def follow(stub: GraphServiceStub, viewer: int, user: int) -> pb.Relationship:
    return (await stub.Follow(pb.FollowRequest(viewer_id=viewer, user_id=user))).relationship


async def block(stub: GraphServiceStub, viewer: int, user: int) -> pb.Relationship:
    return (await stub.Block(pb.BlockRequest(viewer_id=viewer, user_id=user))).relationship


async def relationship(stub: GraphServiceStub, viewer: int, user: int) -> pb.Relationship:
    request = pb.BatchGetRelationshipsRequest(viewer_id=viewer, ids=[user])
    return (await stub.BatchGetRelationships(request)).relationships[0]


async def test_a_follow_is_seen_by_both_and_told_once(stub: GraphServiceStub, world: World):
    first = await follow(stub, ANN, BEN)
    again = await follow(stub, ANN, BEN)

    assert first == again == pb.Relationship(id=BEN, following=True) == await relationship(stub, ANN, BEN)
    assert await relationship(stub, BEN, ANN) == pb.Relationship(id=ANN, followed_by=True)
    assert await told(world.postgres) == ["1 followed 2"]


async def test_an_answer_says_whether_anything_changed(stub: GraphServiceStub):
    calls: list[Any] = [
        (stub.Follow, pb.FollowRequest),
        (stub.Unfollow, pb.UnfollowRequest),
        (stub.Mute, pb.MuteRequest),
        (stub.Unmute, pb.UnmuteRequest),
        (stub.AddCloseFriend, pb.AddCloseFriendRequest),
        (stub.RemoveCloseFriend, pb.RemoveCloseFriendRequest),
        (stub.Block, pb.BlockRequest),
        (stub.Unblock, pb.UnblockRequest),
    ]
    for call, request in calls:
        assert [(await call(request(viewer_id=ANN, user_id=BEN))).changed for _ in range(2)] == [True, False]
    await follow(stub, BEN, ANN)
    removing = pb.RemoveFollowerRequest(viewer_id=ANN, user_id=BEN)
    assert [(await stub.RemoveFollower(removing)).changed for _ in range(2)] == [True, False]


async def test_there_is_a_most_that_one_can_follow(stub: GraphServiceStub):
    for user in range(2, MOST_FOLLOWS + 2):
        await follow(stub, ANN, user)

    with pytest.raises(FailedPrecondition) as caught:
        await follow(stub, ANN, MOST_FOLLOWS + 2)
    assert caught.value.reason == "TOO_MANY_FOLLOWS"
    assert (await follow(stub, ANN, BEN)).following
    await stub.Unfollow(pb.UnfollowRequest(viewer_id=ANN, user_id=BEN))
    assert (await follow(stub, ANN, MOST_FOLLOWS + 2)).following


async def test_an_unfollow_is_told_once(stub: GraphServiceStub, world: World):
    await follow(stub, ANN, BEN)
    for _ in range(2):
        answer = await stub.Unfollow(pb.UnfollowRequest(viewer_id=ANN, user_id=BEN))
        assert answer.relationship == pb.Relationship(id=BEN)

    assert await told(world.postgres) == ["1 followed 2", "1 unfollowed 2"]


@pytest.mark.parametrize(
    ("viewer", "user", "error", "reason"),
    [
        (ANN, ANN, InvalidArgument, "SELF_FOLLOW"),
        (ANN, NOBODY, NotFound, "USER_NOT_FOUND"),
        (ANN, 0, NotFound, "USER_NOT_FOUND"),
        (0, BEN, Unauthenticated, "UNAUTHENTICATED"),
    ],
)
async def test_who_cannot_be_followed(
    stub: GraphServiceStub, world: World, viewer: int, user: int, error: type[DomainError], reason: str
):
    with pytest.raises(error) as caught:
        await follow(stub, viewer, user)
    assert caught.value.reason == reason
    assert await told(world.postgres) == []


async def test_a_private_account_is_asked_and_accepts(stub: GraphServiceStub, world: World):
    world.users.private.add(BEN)
    assert await follow(stub, ANN, BEN) == await follow(stub, ANN, BEN) == pb.Relationship(id=BEN, requested=True)

    for _ in range(2):
        answer = await stub.AcceptFollowRequest(pb.AcceptFollowRequestRequest(viewer_id=BEN, user_id=ANN))
        assert answer.relationship == pb.Relationship(id=ANN, followed_by=True)

    assert await relationship(stub, ANN, BEN) == pb.Relationship(id=BEN, following=True)
    assert await told(world.postgres) == ["1 follow_requested 2", "1 followed 2"]


async def test_a_request_can_be_rejected_and_made_again(stub: GraphServiceStub, world: World):
    world.users.private.add(BEN)
    await follow(stub, ANN, BEN)
    for _ in range(2):
        answer = await stub.RejectFollowRequest(pb.RejectFollowRequestRequest(viewer_id=BEN, user_id=ANN))
        assert answer.relationship == pb.Relationship(id=ANN)

    assert (await follow(stub, ANN, BEN)).requested
    assert await told(world.postgres) == [
        "1 follow_requested 2",
        "1 follow_request_withdrawn 2",
        "1 follow_requested 2",
    ]


async def test_a_request_can_be_withdrawn_and_then_not_be_accepted(stub: GraphServiceStub, world: World):
    world.users.private.add(BEN)
    await follow(stub, ANN, BEN)
    await stub.Unfollow(pb.UnfollowRequest(viewer_id=ANN, user_id=BEN))

    with pytest.raises(NotFound) as caught:
        await stub.AcceptFollowRequest(pb.AcceptFollowRequestRequest(viewer_id=BEN, user_id=ANN))
    assert caught.value.reason == "FOLLOW_REQUEST_NOT_FOUND"
    assert await told(world.postgres) == ["1 follow_requested 2", "1 follow_request_withdrawn 2"]


async def test_who_asked_follows_by_asking_again_once_the_account_is_public(stub: GraphServiceStub, world: World):
    world.users.private.add(BEN)
    await follow(stub, ANN, BEN)
    world.users.private.clear()

    assert await follow(stub, ANN, BEN) == pb.Relationship(id=BEN, following=True)
    assert (await stub.ListFollowRequests(pb.ListFollowRequestsRequest(viewer_id=BEN))).edges == []


async def test_a_follower_can_be_removed(stub: GraphServiceStub, world: World):
    await follow(stub, ANN, BEN)
    await follow(stub, BEN, ANN)

    answer = await stub.RemoveFollower(pb.RemoveFollowerRequest(viewer_id=BEN, user_id=ANN))

    assert answer.relationship == pb.Relationship(id=ANN, following=True)
    assert await told(world.postgres) == ["1 followed 2", "2 followed 1", "1 unfollowed 2"]


async def test_a_block_cuts_both_follows_and_requests_and_tells_them_first(stub: GraphServiceStub, world: World):
    await follow(stub, ANN, BEN)
    world.users.private.add(ANN)
    await follow(stub, BEN, ANN)

    for _ in range(2):
        assert await block(stub, BEN, ANN) == pb.Relationship(id=ANN, blocking=True)

    assert await relationship(stub, ANN, BEN) == pb.Relationship(id=BEN, blocked_by=True)
    assert (await told(world.postgres))[2:] == ["2 follow_request_withdrawn 1", "1 unfollowed 2", "2 blocked 1"]
    ids = await change_ids(world.postgres)
    assert ids == sorted(set(ids))


async def test_a_block_hides_the_blocker_and_forbids_following_the_blocked(stub: GraphServiceStub):
    await block(stub, ANN, BEN)

    with pytest.raises(NotFound) as hidden:
        await follow(stub, BEN, ANN)
    with pytest.raises(FailedPrecondition) as forbidden:
        await follow(stub, ANN, BEN)
    assert (hidden.value.reason, forbidden.value.reason) == ("USER_NOT_FOUND", "BLOCKED_BY_VIEWER")


async def test_hidden_and_absent_accounts_get_the_same_answer(stub: GraphServiceStub):
    await block(stub, ANN, BEN)
    answers: list[tuple[str, str]] = []
    for user in (ANN, NOBODY):
        with pytest.raises(NotFound) as caught:
            await follow(stub, BEN, user)
        answers.append((caught.value.reason, caught.value.message))

    assert answers[0] == answers[1]


async def test_who_is_unblocked_may_follow_again_but_does_not_by_itself(stub: GraphServiceStub, world: World):
    await follow(stub, ANN, BEN)
    await block(stub, BEN, ANN)
    for _ in range(2):
        await stub.Unblock(pb.UnblockRequest(viewer_id=BEN, user_id=ANN))

    assert await relationship(stub, ANN, BEN) == pb.Relationship(id=BEN)
    assert (await told(world.postgres)).count("2 unblocked 1") == 1
    assert (await follow(stub, ANN, BEN)).following


async def test_a_mute_outlives_unfollow_and_block_and_is_nobody_elses_business(stub: GraphServiceStub, world: World):
    await follow(stub, ANN, BEN)
    for _ in range(2):
        answer = await stub.Mute(pb.MuteRequest(viewer_id=ANN, user_id=BEN))
        assert answer.relationship == pb.Relationship(id=BEN, following=True, muting=True)
    await stub.Unfollow(pb.UnfollowRequest(viewer_id=ANN, user_id=BEN))
    await block(stub, ANN, BEN)
    await stub.Unblock(pb.UnblockRequest(viewer_id=ANN, user_id=BEN))

    assert await relationship(stub, ANN, BEN) == pb.Relationship(id=BEN, muting=True)
    assert await relationship(stub, BEN, ANN) == pb.Relationship(id=ANN)
    for _ in range(2):
        await stub.Unmute(pb.UnmuteRequest(viewer_id=ANN, user_id=BEN))
    assert await relationship(stub, ANN, BEN) == pb.Relationship(id=BEN)
    assert [line for line in await told(world.postgres) if "mute" in line] == ["1 muted 2", "1 unmuted 2"]


async def test_accounts_that_are_not_there_can_be_neither_blocked_nor_muted(stub: GraphServiceStub):
    with pytest.raises(NotFound):
        await block(stub, ANN, NOBODY)
    with pytest.raises(NotFound):
        await stub.Mute(pb.MuteRequest(viewer_id=ANN, user_id=NOBODY))


async def test_relationships_come_in_the_order_asked_one_for_each(stub: GraphServiceStub):
    await follow(stub, ANN, BEN)
    wanted = [CID, BEN, ANN, NOBODY, BEN]

    answer = await stub.BatchGetRelationships(pb.BatchGetRelationshipsRequest(viewer_id=ANN, ids=wanted))

    assert [relation.id for relation in answer.relationships] == wanted
    assert [relation.following for relation in answer.relationships] == [False, True, False, False, True]


async def test_nobody_stands_in_no_relation(stub: GraphServiceStub):
    assert await relationship(stub, 0, BEN) == pb.Relationship(id=BEN)


async def test_too_many_ids_are_refused(stub: GraphServiceStub):
    ids = list(range(1, MAX_IDS + 2))
    await stub.BatchGetRelationships(pb.BatchGetRelationshipsRequest(viewer_id=ANN, ids=ids[1:]))
    for call in (
        stub.BatchGetRelationships(pb.BatchGetRelationshipsRequest(viewer_id=ANN, ids=ids)),
        stub.BatchGetCounts(pb.BatchGetCountsRequest(ids=ids)),
    ):
        with pytest.raises(InvalidArgument) as caught:
            await call
        assert caught.value.reason == "TOO_MANY_IDS"


async def test_a_block_answered_by_one_process_is_seen_at_once_by_another(world: World):
    for _ in range(10):
        await follow(world.one.stub, ANN, BEN)
        assert (await relationship(world.other.stub, BEN, ANN)).followed_by
        await block(world.one.stub, BEN, ANN)
        assert await relationship(world.other.stub, ANN, BEN) == pb.Relationship(id=BEN, blocked_by=True)
        await stub_unblock(world.other.stub, BEN, ANN)


async def stub_unblock(stub: GraphServiceStub, viewer: int, user: int) -> None:
    await stub.Unblock(pb.UnblockRequest(viewer_id=viewer, user_id=user))


async def test_racing_follows_and_blocks_never_leave_a_follow_beside_a_block(world: World):
    stubs = [world.one.stub, world.other.stub]
    for blocker, other in itertools.islice(itertools.permutations(range(1, 9), 2), 40):
        calls = [follow(stubs[0], other, blocker), follow(stubs[1], blocker, other), block(stubs[1], blocker, other)]
        outcomes = await asyncio.gather(*calls, return_exceptions=True)

        assert not [outcome for outcome in outcomes[:2] if not isinstance(outcome, (pb.Relationship, DomainError))]
        assert await relationship(stubs[0], blocker, other) == pb.Relationship(id=other, blocking=True)
        assert await relationship(stubs[1], other, blocker) == pb.Relationship(id=blocker, blocked_by=True)
        await stub_unblock(stubs[0], blocker, other)
    assert await world.postgres.primary.fetchval("select count(*) from following_by_follower") == 0
    assert await world.postgres.primary.fetchval("select count(*) from followers_by_followee") == 0
    assert _nets_out(await told(world.postgres))


def _nets_out(lines: list[str]) -> bool:
    """Whether each follow was told before its end, and none is left."""
    held: set[tuple[str, str]] = set()
    for actor, name, target in (line.split() for line in lines):
        if name == "followed":
            held.add((actor, target))
        if name == "unfollowed":
            held.remove((actor, target))
    return not held


async def test_of_many_equal_calls_at_once_one_makes_the_change(world: World):
    calls = [follow(stub, ANN, BEN) for stub in (world.one.stub, world.other.stub) for _ in range(10)]

    answers = await asyncio.gather(*calls)

    assert all(answer == pb.Relationship(id=BEN, following=True) for answer in answers)
    assert await told(world.postgres) == ["1 followed 2"]
