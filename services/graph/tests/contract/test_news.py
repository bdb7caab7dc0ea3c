"""What the user service tells of accounts: going public, being suspended, coming back."""

from collections.abc import Awaitable, Callable

import pytest
from graph_service import events
from graph_service.model.relations import Account
from heliograph.events.v1.user_events_pb2 import AccountStateChanged, PrivacyChanged, UserEvent
from heliograph.graph.v1 import graph_pb2 as pb
from heliograph.user.v1.user_pb2 import ACCOUNT_STATE_ACTIVE, ACCOUNT_STATE_SUSPENDED, Profile
from kit.errors import Unavailable
from kit.kafka import Message, open_producer
from kit.testing import eventually

from services.graph.tests.events import told
from services.graph.tests.world import World

ANN, BEN, CID = 1, 2, 3


async def follow(world: World, viewer: int) -> pb.Relationship:
    return (await world.one.stub.Follow(pb.FollowRequest(viewer_id=viewer, user_id=BEN))).relationship


async def unfollow(world: World, viewer: int) -> None:
    await world.one.stub.Unfollow(pb.UnfollowRequest(viewer_id=viewer, user_id=BEN))


async def relationship(world: World, viewer: int) -> pb.Relationship:
    """With BEN."""
    request = pb.BatchGetRelationshipsRequest(viewer_id=viewer, ids=[BEN])
    return (await world.one.stub.BatchGetRelationships(request)).relationships[0]


async def tell(world: World, event: UserEvent) -> None:
    message = Message(events.USER_TOPIC, str(BEN), "heliograph.user.v1.Anything", event.SerializeToString())
    async with open_producer(world.settings) as producer:
        await producer.send(message)


def go(world: World, *, private: bool) -> None:
    """As the user service knows it at once; its event comes later."""
    (world.users.private.add if private else world.users.private.discard)(BEN)
    world.users.versions[BEN] = world.users.versions.get(BEN, 0) + 1


@pytest.mark.usefixtures("running")
async def test_going_public_accepts_all_who_asked(world: World):
    go(world, private=True)
    fans = list(range(10, 30))
    for fan in fans:
        await follow(world, fan)
    go(world, private=False)
    await tell(world, UserEvent(privacy_changed=PrivacyChanged(profile=Profile(id=BEN, version=2))))

    async def accepted() -> bool:
        return all([(await relationship(world, fan)).following for fan in fans])

    await eventually(accepted, timeout=30)
    assert sorted((await world.one.stub.PackFollowers(pb.PackFollowersRequest(user_id=BEN))).ids[7::8]) == fans
    counts = await world.one.stub.BatchGetCounts(pb.BatchGetCountsRequest(ids=[BEN]))
    assert counts.counts[0].followers == len(fans)


async def test_old_news_of_going_public_accept_nobody(world: World):
    go(world, private=True)
    await follow(world, ANN)

    await world.one.news.accept_all(Account(BEN, private=False))

    assert (await relationship(world, ANN)).requested
    assert await told(world.postgres) == ["1 follow_requested 2"]


async def test_news_that_the_user_service_does_not_know_yet_are_tried_again(world: World):
    with pytest.raises(Unavailable):
        await world.one.news.accept_all(Account(BEN, private=False, version=5))


def after_looks(world: World, number: int, happens: Callable[[], Awaitable[None]]) -> None:
    """Something happens just after the account has been looked at so many times, before what was seen is acted on."""
    looks = 0

    async def seen() -> None:
        nonlocal looks
        looks += 1
        if looks == number:
            await happens()

    world.users.seen = seen


async def test_who_asks_after_a_quick_flip_back_to_private_is_not_let_in(world: World):
    go(world, private=True)
    await follow(world, ANN)
    await follow(world, CID)
    go(world, private=False)

    async def flip_back() -> None:
        go(world, private=True)
        await follow(world, 10)
        await unfollow(world, CID)
        await follow(world, CID)

    after_looks(world, 2, flip_back)
    await world.one.news.accept_all(Account(BEN, private=False, version=2))

    assert (await relationship(world, ANN)).following
    for asking in (10, CID):
        assert await relationship(world, asking) == pb.Relationship(id=BEN, requested=True)


async def test_who_asked_while_the_account_went_public_is_not_left_waiting(world: World):
    go(world, private=True)

    async def go_public() -> None:
        go(world, private=False)
        await world.one.news.accept_all(Account(BEN, private=False, version=2))

    after_looks(world, 1, go_public)

    assert await follow(world, ANN) == pb.Relationship(id=BEN, following=True)
    assert (await world.one.stub.ListFollowRequests(pb.ListFollowRequestsRequest(viewer_id=BEN))).edges == []


async def test_a_change_between_the_two_looks_is_looked_at_again(world: World):
    go(world, private=True)
    await follow(world, ANN)
    go(world, private=False)

    async def flip_back() -> None:
        go(world, private=True)

    after_looks(world, 1, flip_back)
    await world.one.news.accept_all(Account(BEN, private=False, version=2))

    assert (await relationship(world, ANN)).requested


async def test_who_went_public_before_a_suspension_accepts_all_when_restored(world: World):
    go(world, private=True)
    await follow(world, ANN)
    go(world, private=False)
    world.users.inactive.add(BEN)
    await world.one.news.accept_all(Account(BEN, private=False, version=2))
    assert (await relationship(world, ANN)).requested

    world.users.inactive.clear()
    await world.one.news.state_changed(Account(BEN, private=False, version=2), active=True)
    assert (await relationship(world, ANN)).following


@pytest.mark.usefixtures("running")
async def test_who_is_suspended_is_in_no_list_until_restored_and_still_counts(world: World):
    stub = world.one.stub
    for viewer, user in ((BEN, ANN), (CID, ANN), (ANN, BEN), (ANN, CID)):
        await stub.Follow(pb.FollowRequest(viewer_id=viewer, user_id=user))
    await stub.AddCloseFriend(pb.AddCloseFriendRequest(viewer_id=ANN, user_id=BEN))
    await stub.Mute(pb.MuteRequest(viewer_id=ANN, user_id=BEN))

    async def lists() -> list[list[int]]:
        answers = [
            await stub.ListFollowers(pb.ListFollowersRequest(viewer_id=CID, user_id=ANN)),
            await stub.ListFollowing(pb.ListFollowingRequest(viewer_id=CID, user_id=ANN)),
            await stub.ListCloseFriends(pb.ListCloseFriendsRequest(viewer_id=ANN)),
            await stub.ListMutes(pb.ListMutesRequest(viewer_id=ANN)),
        ]
        return [[edge.user_id for edge in answer.edges] for answer in answers]

    whole = [[CID, BEN], [CID, BEN], [BEN], [BEN]]
    assert await lists() == whole

    suspended = Profile(id=BEN, state=ACCOUNT_STATE_SUSPENDED, version=1)
    await tell(world, UserEvent(account_state_changed=AccountStateChanged(profile=suspended)))

    async def gone() -> bool:
        return await lists() == [[CID], [CID], [], []]

    await eventually(gone, timeout=30)
    counts = await stub.BatchGetCounts(pb.BatchGetCountsRequest(ids=[ANN]))
    assert counts.counts[0] == pb.Counts(id=ANN, followers=2, following=2)

    world.users.versions[BEN] = 2
    restored = Profile(id=BEN, state=ACCOUNT_STATE_ACTIVE, version=2)
    await tell(world, UserEvent(account_state_changed=AccountStateChanged(profile=restored)))

    async def back() -> bool:
        return await lists() == whole

    await eventually(back, timeout=30)
