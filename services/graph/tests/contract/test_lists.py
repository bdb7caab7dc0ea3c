"""Lists, counts and packed ids, as callers meet them."""

import struct
from datetime import UTC, datetime, timedelta

import pytest
from heliograph.graph.v1 import graph_pb2 as pb
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub
from kit.errors import InvalidArgument, NotFound, Unauthenticated
from kit.proto import datetime_of

from services.graph.tests.world import World

ANN, BEN, CID = 1, 2, 3
NOBODY = 100


async def follow(stub: GraphServiceStub, viewer: int, user: int) -> None:
    await stub.Follow(pb.FollowRequest(viewer_id=viewer, user_id=user))


async def block(stub: GraphServiceStub, viewer: int, user: int) -> None:
    await stub.Block(pb.BlockRequest(viewer_id=viewer, user_id=user))


async def follower_pages(stub: GraphServiceStub, viewer: int, user: int, size: int) -> list[list[int]]:
    pages: list[list[int]] = []
    token = ""
    while True:
        request = pb.ListFollowersRequest(viewer_id=viewer, user_id=user, page_size=size, page_token=token)
        page = await stub.ListFollowers(request)
        pages.append([edge.user_id for edge in page.edges])
        token = page.next_page_token
        if not token:
            return pages


async def test_followers_and_following_are_listed_from_new_to_old_with_their_time(stub: GraphServiceStub):
    for fan in (10, 12, 11):
        await follow(stub, fan, BEN)
        await follow(stub, BEN, fan)

    followers = await stub.ListFollowers(pb.ListFollowersRequest(viewer_id=ANN, user_id=BEN))
    following = await stub.ListFollowing(pb.ListFollowingRequest(viewer_id=ANN, user_id=BEN))

    assert [edge.user_id for edge in followers.edges] == [edge.user_id for edge in following.edges] == [11, 12, 10]
    assert followers.next_page_token == following.next_page_token == ""
    age = datetime.now(UTC) - datetime_of(followers.edges[0].created_at)
    assert timedelta(seconds=-5) < age < timedelta(seconds=60)


async def test_pages_are_full_to_the_end_although_blocked_accounts_are_left_out(stub: GraphServiceStub):
    for fan in range(10, 31):
        await follow(stub, fan, BEN)
    for fan in (29, 28, 27, 26, 25, 24, 20, 10):
        await block(stub, ANN, fan)
    for fan in (23, 11):
        await block(stub, fan, ANN)

    pages = await follower_pages(stub, ANN, BEN, 4)

    assert pages == [[30, 22, 21, 19], [18, 17, 16, 15], [14, 13, 12]]
    assert sum(map(len, await follower_pages(stub, CID, BEN, 4))) == 21


async def test_an_anonymous_viewer_sees_the_lists_of_public_accounts(stub: GraphServiceStub):
    await follow(stub, ANN, BEN)

    assert await follower_pages(stub, 0, BEN, 10) == [[ANN]]


async def test_a_private_accounts_lists_are_there_for_followers_and_itself(stub: GraphServiceStub, world: World):
    await follow(stub, ANN, BEN)
    await follow(stub, BEN, CID)
    world.users.private.add(BEN)
    await follow(stub, 10, BEN)

    assert await follower_pages(stub, ANN, BEN, 10) == await follower_pages(stub, BEN, BEN, 10) == [[ANN]]
    for viewer in (0, 10, CID):
        with pytest.raises(NotFound):
            await stub.ListFollowers(pb.ListFollowersRequest(viewer_id=viewer, user_id=BEN))
        with pytest.raises(NotFound):
            await stub.ListFollowing(pb.ListFollowingRequest(viewer_id=viewer, user_id=BEN))


async def test_lists_are_not_there_across_a_block_nor_for_nobody(stub: GraphServiceStub):
    await block(stub, ANN, BEN)

    for viewer, user in ((ANN, BEN), (BEN, ANN), (CID, NOBODY)):
        with pytest.raises(NotFound) as caught:
            await stub.ListFollowers(pb.ListFollowersRequest(viewer_id=viewer, user_id=user))
        assert caught.value.reason == "USER_NOT_FOUND"
        with pytest.raises(NotFound):
            await stub.ListFollowing(pb.ListFollowingRequest(viewer_id=viewer, user_id=user))


async def test_ones_own_requests_blocks_and_mutes_are_listed_in_pages(stub: GraphServiceStub, world: World):
    world.users.private.add(BEN)
    for other in (10, 11, 12):
        await follow(stub, other, BEN)
        await stub.Mute(pb.MuteRequest(viewer_id=BEN, user_id=other + 10))
        await block(stub, BEN, other + 20)
    await block(stub, BEN, 20)

    requests = await stub.ListFollowRequests(pb.ListFollowRequestsRequest(viewer_id=BEN, page_size=2))
    token = requests.next_page_token
    rest = await stub.ListFollowRequests(pb.ListFollowRequestsRequest(viewer_id=BEN, page_token=token))
    mutes = await stub.ListMutes(pb.ListMutesRequest(viewer_id=BEN))
    blocks = await stub.ListBlocks(pb.ListBlocksRequest(viewer_id=BEN))

    assert [[edge.user_id for edge in page.edges] for page in (requests, rest)] == [[12, 11], [10]]
    assert [edge.user_id for edge in mutes.edges] == [22, 21, 20]
    assert [edge.user_id for edge in blocks.edges] == [20, 32, 31, 30]
    assert not rest.next_page_token


async def test_nobody_has_no_own_lists(stub: GraphServiceStub):
    with pytest.raises(Unauthenticated):
        await stub.ListBlocks(pb.ListBlocksRequest(viewer_id=0))


@pytest.mark.parametrize("token", ["x", "-1", "0", "9" * 30])
async def test_a_foreign_page_token_is_refused(stub: GraphServiceStub, token: str):
    calls = [
        stub.ListFollowers(pb.ListFollowersRequest(viewer_id=ANN, user_id=BEN, page_token=token)),
        stub.ListFollowing(pb.ListFollowingRequest(viewer_id=ANN, user_id=BEN, page_token=token)),
        stub.ListFollowRequests(pb.ListFollowRequestsRequest(viewer_id=ANN, page_token=token)),
        stub.ListBlocks(pb.ListBlocksRequest(viewer_id=ANN, page_token=token)),
        stub.ListMutes(pb.ListMutesRequest(viewer_id=ANN, page_token=token)),
    ]
    for call in calls:
        with pytest.raises(InvalidArgument) as caught:
            await call
        assert caught.value.reason == "BAD_PAGE_TOKEN"


async def test_packed_followers_go_on_where_the_page_ended(stub: GraphServiceStub):
    for fan in (12, 10, 11):
        await follow(stub, fan, BEN)

    first = await stub.PackFollowers(pb.PackFollowersRequest(user_id=BEN, page_size=2))
    rest = await stub.PackFollowers(pb.PackFollowersRequest(user_id=BEN, page_size=2, after_id=first.next_after_id))

    assert (first.ids, first.next_after_id) == (struct.pack(">2q", 10, 11), 11)
    assert (rest.ids, rest.next_after_id) == (struct.pack(">q", 12), 0)


async def test_packed_following(stub: GraphServiceStub):
    for star in (12, 10):
        await follow(stub, BEN, star)

    packed = await stub.PackFollowing(pb.PackFollowingRequest(user_id=BEN))

    assert (packed.ids, packed.next_after_id) == (struct.pack(">2q", 10, 12), 0)
