"""Suggestions by the follows of those whom one follows."""

import pytest
from heliograph.graph.v1 import graph_pb2 as pb
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub
from kit.errors import InvalidArgument, NotFound, Unauthenticated

from services.graph.tests.world import World

ANN, BEN, CID, DAN, EVE, FAY, GUS, HAL = range(1, 9)


async def follow(stub: GraphServiceStub, viewer: int, *users: int) -> None:
    for user in users:
        await stub.Follow(pb.FollowRequest(viewer_id=viewer, user_id=user))


async def suggested(stub: GraphServiceStub, size: int = 10) -> list[tuple[int, int, list[int]]]:
    answer = await stub.ListSuggestions(pb.ListSuggestionsRequest(viewer_id=ANN, page_size=size))
    return [(one.user_id, one.mutual, list(one.mutual_ids)) for one in answer.suggestions]


async def ids(stub: GraphServiceStub) -> list[int]:
    return [user_id for user_id, _, _ in await suggested(stub)]


async def test_who_is_followed_by_more_of_those_whom_one_follows_comes_first_with_their_names(stub: GraphServiceStub):
    await follow(stub, ANN, BEN, CID, DAN)
    await follow(stub, BEN, EVE, FAY, ANN, CID)
    await follow(stub, CID, FAY)
    await follow(stub, DAN, FAY)
    await follow(stub, GUS, HAL)

    assert await suggested(stub) == [(FAY, 3, [DAN, CID, BEN]), (EVE, 1, [BEN])]
    assert await suggested(stub, size=1) == [(FAY, 3, [DAN, CID, BEN])]


async def test_who_is_near_already_or_not_wanted_is_not_suggested(stub: GraphServiceStub, world: World):
    await follow(stub, ANN, BEN)
    await follow(stub, BEN, CID, DAN, EVE, FAY, GUS, HAL, 9, 10)
    assert sorted(await ids(stub)) == [CID, DAN, EVE, FAY, GUS, HAL, 9, 10]
    world.users.private.add(CID)

    await follow(stub, ANN, CID)  # asked
    await follow(stub, ANN, DAN)
    await stub.Block(pb.BlockRequest(viewer_id=ANN, user_id=EVE))
    await stub.Block(pb.BlockRequest(viewer_id=FAY, user_id=ANN))
    await stub.Mute(pb.MuteRequest(viewer_id=ANN, user_id=GUS, seconds=60))
    for _ in range(2):
        await stub.DismissSuggestion(pb.DismissSuggestionRequest(viewer_id=ANN, user_id=HAL))
    await suspend(world, 9, version=1)
    assert await ids(stub) == [10]

    world.clock.forward(61)
    await suspend(world, 9, version=2, active=True)
    assert sorted(await ids(stub)) == [GUS, 9, 10]


async def suspend(world: World, user_id: int, *, version: int, active: bool = False) -> None:
    (world.users.inactive.discard if active else world.users.inactive.add)(user_id)
    world.users.versions[user_id] = version
    account = world.users.known(user_id)
    await world.one.news.state_changed(account, active=active)


async def test_the_lists_of_private_accounts_that_one_does_not_follow_tell_nothing(
    stub: GraphServiceStub, world: World
):
    await follow(stub, BEN, CID, DAN)
    world.users.private.add(BEN)
    await follow(stub, ANN, BEN)  # asked, not let in
    assert await suggested(stub) == []

    await stub.AcceptFollowRequest(pb.AcceptFollowRequestRequest(viewer_id=BEN, user_id=ANN))
    assert sorted(await ids(stub)) == [CID, DAN]


async def test_the_list_of_a_suspended_account_tells_nothing(stub: GraphServiceStub, world: World):
    await follow(stub, ANN, BEN)
    await follow(stub, BEN, CID)
    await suspend(world, BEN, version=1)

    assert await suggested(stub) == []


async def test_what_a_call_looks_at_is_bounded(stub: GraphServiceStub, world: World):
    """One who follows 200, each of whom follows the same 100 in the same order."""
    await world.postgres.primary.execute(
        f"""insert into following_by_follower (follower_id, followee_id, id)
        select {ANN}, 1000 + number, number from generate_series(1, 200) as number
        union all
        select 1000 + place, 10000 + number, place * 1000 + number
        from generate_series(1, 200) as place, generate_series(1, 100) as number"""
    )

    found = await suggested(stub, size=100)

    assert [user_id for user_id, _, _ in found] == list(range(10100, 10020, -1))
    assert {mutual for _, mutual, _ in found} == {150}
    assert {tuple(mutual_ids) for _, _, mutual_ids in found} == {(1200, 1199, 1198)}


async def test_who_cannot_be_dismissed(stub: GraphServiceStub):
    await stub.Block(pb.BlockRequest(viewer_id=BEN, user_id=ANN))

    for user, error in ((BEN, NotFound), (100, NotFound), (ANN, InvalidArgument)):
        with pytest.raises(error):
            await stub.DismissSuggestion(pb.DismissSuggestionRequest(viewer_id=ANN, user_id=user))
    with pytest.raises(Unauthenticated):
        await stub.ListSuggestions(pb.ListSuggestionsRequest(viewer_id=0))
