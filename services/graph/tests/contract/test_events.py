"""Events on Kafka: those that this service emits, and what it does about its own and the user service's."""

import asyncio
from collections.abc import AsyncGenerator

import pytest
from graph_service import events
from graph_service.model.relations import Account, Kind, Step
from heliograph.events.v1.user_events_pb2 import PrivacyChanged, UserEvent
from heliograph.graph.v1 import graph_pb2 as pb
from heliograph.user.v1.user_pb2 import Profile
from kit.consumer import Consumer, Delivery
from kit.errors import Unavailable
from kit.kafka import Message, open_producer
from kit.testing import MakeTopics, eventually

from services.graph.tests.events import told
from services.graph.tests.world import World

ANN, BEN, CID = 1, 2, 3


@pytest.fixture
async def running(make_topics: MakeTopics, world: World) -> AsyncGenerator[list[Delivery]]:
    """Relay and consumers as in production, and all that came over the topic."""
    await make_topics(events.TOPIC, events.USER_TOPIC)
    heard: list[Delivery] = []

    async def hear(delivery: Delivery) -> None:
        heard.append(delivery)

    ears = Consumer(world.settings, group="test.ears", topics=[events.TOPIC], handle=hear)
    other = world.other
    runs = [
        world.one.outbox.run,
        ears.run,
        *events.consumers(world.settings, other.changes, other.news, other.personal),
    ]
    tasks = [asyncio.ensure_future(run()) for run in runs]
    yield heard
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


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


async def tell_privacy(world: World, *, private: bool, version: int) -> None:
    profile = Profile(id=BEN, private_account=private, version=version)
    event = UserEvent(privacy_changed=PrivacyChanged(profile=profile))
    message = Message(events.USER_TOPIC, str(BEN), "heliograph.user.v1.PrivacyChanged", event.SerializeToString())
    async with open_producer(world.settings) as producer:
        await producer.send(message)


@pytest.mark.usefixtures("running")
async def test_going_public_accepts_all_who_asked(world: World):
    world.users.private.add(BEN)
    fans = [10, 11, 12]
    for fan in fans:
        await world.one.stub.Follow(pb.FollowRequest(viewer_id=fan, user_id=BEN))
    world.users.private.clear()
    await tell_privacy(world, private=False, version=0)

    async def accepted() -> bool:
        return all([(await relationship(world, fan, BEN)).following for fan in fans])

    await eventually(accepted, timeout=30)
    assert sorted((await world.one.stub.PackFollowers(pb.PackFollowersRequest(user_id=BEN))).ids[7::8]) == fans
    assert await counts_of(world, BEN) == (3, 0)


async def test_old_news_of_going_public_accept_nobody(world: World):
    world.users.private.add(BEN)
    await world.one.stub.Follow(pb.FollowRequest(viewer_id=ANN, user_id=BEN))

    await world.one.news.accept_all(Account(BEN, private=False))

    assert (await relationship(world, ANN, BEN)).requested
    assert await told(world.postgres) == ["1 follow_requested 2"]


async def test_news_that_the_user_service_does_not_know_yet_are_tried_again(world: World):
    with pytest.raises(Unavailable):
        await world.one.news.accept_all(Account(BEN, private=False, version=5))
