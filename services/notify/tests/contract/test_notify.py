"""From an event on Kafka to an answer of the service, with peers that answer as the real ones do."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.message import Message
from heliograph.events.v1 import engagement_events_pb2 as engagement
from heliograph.events.v1 import graph_events_pb2 as graph_events
from heliograph.graph.v1 import graph_pb2, graph_pb2_grpc
from heliograph.notify.v1 import notify_pb2 as pb
from heliograph.notify.v1.notify_pb2_grpc import NotifyServiceStub, add_NotifyServiceServicer_to_server
from heliograph.post.v1 import post_pb2, post_pb2_grpc
from heliograph.user.v1 import user_pb2, user_pb2_grpc
from kit import kafka
from kit.consumer import Consumer, by_topic, dispatch
from kit.errors import InvalidArgument
from kit.ids import first_at
from kit.kafka import open_producer
from kit.proto import timestamp
from kit.server import Context
from kit.settings import KafkaSettings
from kit.testing import MakeSettings, MakeTopics, Rpc, eventually
from notify_service.clients import People, Posts
from notify_service.events import engagement_handlers, graph_handlers
from notify_service.rpc import NotifyRpc
from notify_service.service import InboxService, NotifyService
from notify_service.store import InboxStore, MarkerStore

ME, ADA, BEN, POST = 1, 11, 12, 500
NOW = datetime.now(UTC)


class Users(user_pb2_grpc.UserServiceServicer):
    async def BatchGetProfiles(
        self, request: user_pb2.BatchGetProfilesRequest, context: Context
    ) -> user_pb2.BatchGetProfilesResponse:
        active = user_pb2.ACCOUNT_STATE_ACTIVE
        profiles = [user_pb2.Profile(id=id_, username=f"u{id_}", state=active) for id_ in request.ids]
        return user_pb2.BatchGetProfilesResponse(profiles=profiles)


class Graph(graph_pb2_grpc.GraphServiceServicer):
    def __init__(self) -> None:
        self.blocked: set[int] = set()

    async def BatchGetRelationships(
        self, request: graph_pb2.BatchGetRelationshipsRequest, context: Context
    ) -> graph_pb2.BatchGetRelationshipsResponse:
        found = [graph_pb2.Relationship(id=id_, blocked_by=id_ in self.blocked) for id_ in request.ids]
        return graph_pb2.BatchGetRelationshipsResponse(relationships=found)


class PostPeer(post_pb2_grpc.PostServiceServicer):
    async def BatchGetPosts(
        self, request: post_pb2.BatchGetPostsRequest, context: Context
    ) -> post_pb2.BatchGetPostsResponse:
        return post_pb2.BatchGetPostsResponse(posts=[post_pb2.Post(id=id_) for id_ in request.ids])

    async def BatchGetComments(
        self, request: post_pb2.BatchGetCommentsRequest, context: Context
    ) -> post_pb2.BatchGetCommentsResponse:
        return post_pb2.BatchGetCommentsResponse(comments=[post_pb2.Comment(id=id_, text="Hi") for id_ in request.ids])


@pytest.fixture
def graph() -> Graph:
    return Graph()  # pyright: ignore[reportAbstractUsage] it answers what is asked here


@pytest.fixture
async def notify(rpc: Rpc, graph: Graph, inboxes: InboxStore, markers: MarkerStore) -> NotifyServiceStub:
    users = Users()  # pyright: ignore[reportAbstractUsage] it answers what is asked here
    posts = PostPeer()  # pyright: ignore[reportAbstractUsage] it answers what is asked here
    peers = await rpc(
        lambda server: user_pb2_grpc.add_UserServiceServicer_to_server(users, server),
        lambda server: graph_pb2_grpc.add_GraphServiceServicer_to_server(graph, server),
        lambda server: post_pb2_grpc.add_PostServiceServicer_to_server(posts, server),
    )
    people = People(user_pb2_grpc.UserServiceStub(peers), graph_pb2_grpc.GraphServiceStub(peers))
    service = NotifyService(inboxes, markers, people, Posts(post_pb2_grpc.PostServiceStub(peers)))
    channel = await rpc(lambda server: add_NotifyServiceServicer_to_server(NotifyRpc(service), server))
    return NotifyServiceStub(channel)


class Topics:
    """Where the owners' events come from."""

    def __init__(self, producer: kafka.Producer) -> None:
        self._producer = producer

    async def send(self, topic: str, key: str, event: Message) -> None:
        await self._producer.send(kafka.Message(topic, key, "event", event.SerializeToString()))


@asynccontextmanager
async def running(consumer: Consumer) -> AsyncGenerator[None]:
    task = asyncio.create_task(consumer.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture
async def topics(
    make_settings: MakeSettings, make_topics: MakeTopics, topic_prefix: str, inboxes: InboxStore
) -> AsyncGenerator[Topics]:
    settings = make_settings(KafkaSettings, topic_prefix=topic_prefix)
    await make_topics("graph.v1", "engagement.v1")
    service = InboxService(inboxes)
    handles = {
        "graph.v1": dispatch(graph_events.GraphEvent, graph_handlers(service)),
        "engagement.v1": dispatch(engagement.EngagementEvent, engagement_handlers(service)),
    }
    consumer = Consumer(settings, group="notify.inbox", topics=list(handles), handle=by_topic(handles))
    async with open_producer(settings) as producer, running(consumer):
        yield Topics(producer)


def liked(actor: int, minutes: int) -> engagement.EngagementEvent:
    at = NOW + timedelta(minutes=minutes)
    return engagement.EngagementEvent(
        post_liked=engagement.PostLiked(
            post_id=POST, post_author_id=ME, user_id=actor, liked_at=timestamp(at), change_id=first_at(at)
        )
    )


def unliked(actor: int, minutes: int) -> engagement.EngagementEvent:
    at = NOW + timedelta(minutes=minutes)
    return engagement.EngagementEvent(
        post_unliked=engagement.PostUnliked(
            post_id=POST, post_author_id=ME, user_id=actor, unliked_at=timestamp(at), change_id=first_at(at)
        )
    )


async def shown(notify: NotifyServiceStub) -> list[tuple[int, list[int]]]:
    answer = await notify.ListNotifications(pb.ListNotificationsRequest(viewer_id=ME))
    return [(item.kind, [actor.id for actor in item.actors]) for item in answer.notifications]


async def test_likes_of_a_post_arrive_as_one_notification(notify: NotifyServiceStub, topics: Topics):
    for actor, minutes in ((ADA, 1), (BEN, 2), (ADA, 1)):
        await topics.send("engagement.v1", f"{POST}:{actor}", liked(actor, minutes))

    async def both() -> bool:
        return await shown(notify) == [(pb.NOTIFICATION_KIND_LIKE, [BEN, ADA])]

    await eventually(both, timeout=30)
    assert (await notify.GetUnreadCount(pb.GetUnreadCountRequest(viewer_id=ME))).count == 1


async def test_a_like_taken_back_is_gone(notify: NotifyServiceStub, topics: Topics):
    await topics.send("engagement.v1", f"{POST}:{ADA}", liked(ADA, 1))
    await topics.send("engagement.v1", f"{POST}:{ADA}", unliked(ADA, 2))
    await topics.send("engagement.v1", f"{POST}:{BEN}", liked(BEN, 3))

    async def only_ben() -> bool:
        return await shown(notify) == [(pb.NOTIFICATION_KIND_LIKE, [BEN])]

    await eventually(only_ben, timeout=30)


async def test_a_follow_is_told_and_a_blocked_person_is_not_shown(
    notify: NotifyServiceStub, topics: Topics, graph: Graph
):
    followed = graph_events.Followed(
        follower_id=ADA, followee_id=ME, followed_at=timestamp(NOW), change_id=first_at(NOW)
    )
    await topics.send("graph.v1", f"{ME}:{ADA}", graph_events.GraphEvent(followed=followed))

    async def told() -> bool:
        return await shown(notify) == [(pb.NOTIFICATION_KIND_FOLLOW, [ADA])]

    await eventually(told, timeout=30)
    graph.blocked.add(ADA)
    assert await shown(notify) == []
    assert (await notify.GetUnreadCount(pb.GetUnreadCountRequest(viewer_id=ME))).count == 0


async def test_reading_is_remembered(notify: NotifyServiceStub, topics: Topics):
    await topics.send("engagement.v1", f"{POST}:{ADA}", liked(ADA, 1))

    async def newest() -> int:
        answer = await notify.ListNotifications(pb.ListNotificationsRequest(viewer_id=ME))
        return answer.notifications[0].id if answer.notifications else 0

    await notify.MarkRead(pb.MarkReadRequest(viewer_id=ME, up_to_id=await eventually(newest, timeout=30)))
    assert (await notify.GetUnreadCount(pb.GetUnreadCountRequest(viewer_id=ME))).count == 0


async def test_a_token_of_something_else_is_refused(notify: NotifyServiceStub):
    with pytest.raises(InvalidArgument, match="BAD_PAGE_TOKEN"):
        await notify.ListNotifications(pb.ListNotificationsRequest(viewer_id=ME, page_token="x"))
