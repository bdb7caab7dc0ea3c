"""From an event on Kafka to an answer of the service, with peers that answer as the real ones do."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import grpc
import pytest
from google.protobuf.message import Message
from heliograph.events.v1 import engagement_events_pb2 as engagement
from heliograph.events.v1 import graph_events_pb2 as graph_events
from heliograph.graph.v1 import graph_pb2, graph_pb2_grpc
from heliograph.notify.v1 import notify_pb2 as pb
from heliograph.notify.v1.notify_pb2_grpc import NotifyServiceStub, add_NotifyServiceServicer_to_server
from heliograph.post.v1 import post_pb2, post_pb2_grpc
from heliograph.user.v1 import settings_pb2, settings_pb2_grpc, user_pb2, user_pb2_grpc
from kit import kafka
from kit.consumer import Consumer, by_topic, dispatch
from kit.errors import InvalidArgument, Unavailable
from kit.ids import first_at
from kit.kafka import open_producer
from kit.proto import timestamp
from kit.server import Context
from kit.settings import KafkaSettings
from kit.testing import MakeSettings, MakeTopics, Rpc, eventually
from notify_service.clients import KEPT_SECONDS, People, Posts, Preferences
from notify_service.events import engagement_handlers, graph_handlers
from notify_service.model import Kind, NotifyOf
from notify_service.rpc import NotifyRpc
from notify_service.service.notifications import InboxService, NotifyService
from notify_service.store.inboxes import InboxStore
from notify_service.store.markers import MarkerStore

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
        self.followed: set[int] = set()

    async def BatchGetRelationships(
        self, request: graph_pb2.BatchGetRelationshipsRequest, context: Context
    ) -> graph_pb2.BatchGetRelationshipsResponse:
        found = [
            graph_pb2.Relationship(id=id_, blocked_by=id_ in self.blocked, following=id_ in self.followed)
            for id_ in request.ids
        ]
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


class Settings(settings_pb2_grpc.SettingsServiceServicer):
    def __init__(self) -> None:
        self.told: dict[int, settings_pb2.NotificationSettings] = {}
        self.calls = 0
        self.away = False

    async def BatchGetNotificationSettings(
        self, request: settings_pb2.BatchGetNotificationSettingsRequest, context: Context
    ) -> settings_pb2.BatchGetNotificationSettingsResponse:
        self.calls += 1
        if self.away:
            raise Unavailable("POSTGRES_UNAVAILABLE", "away")
        found = {id_: self.told[id_] for id_ in request.ids if id_ in self.told}
        return settings_pb2.BatchGetNotificationSettingsResponse(settings=found)


@pytest.fixture
def settings() -> Settings:
    return Settings()  # pyright: ignore[reportAbstractUsage] it answers what is asked here


@pytest.fixture
def graph() -> Graph:
    return Graph()  # pyright: ignore[reportAbstractUsage] it answers what is asked here


@pytest.fixture
async def peers(rpc: Rpc, graph: Graph, settings: Settings) -> grpc.aio.Channel:
    users = Users()  # pyright: ignore[reportAbstractUsage] it answers what is asked here
    posts = PostPeer()  # pyright: ignore[reportAbstractUsage] it answers what is asked here
    return await rpc(
        lambda server: user_pb2_grpc.add_UserServiceServicer_to_server(users, server),
        lambda server: graph_pb2_grpc.add_GraphServiceServicer_to_server(graph, server),
        lambda server: post_pb2_grpc.add_PostServiceServicer_to_server(posts, server),
        lambda server: settings_pb2_grpc.add_SettingsServiceServicer_to_server(settings, server),
    )


@pytest.fixture
async def notify(rpc: Rpc, peers: grpc.aio.Channel, inboxes: InboxStore, markers: MarkerStore) -> NotifyServiceStub:
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
    make_settings: MakeSettings,
    make_topics: MakeTopics,
    topic_prefix: str,
    inboxes: InboxStore,
    peers: grpc.aio.Channel,
) -> AsyncGenerator[Topics]:
    kafka_settings = make_settings(KafkaSettings, topic_prefix=topic_prefix)
    await make_topics("graph.v1", "engagement.v1")
    preferences = Preferences(settings_pb2_grpc.SettingsServiceStub(peers), graph_pb2_grpc.GraphServiceStub(peers))
    service = InboxService(inboxes, preferences)
    handles = {
        "graph.v1": dispatch(graph_events.GraphEvent, graph_handlers(service)),
        "engagement.v1": dispatch(engagement.EngagementEvent, engagement_handlers(service)),
    }
    consumer = Consumer(kafka_settings, group="notify.inbox", topics=list(handles), handle=by_topic(handles))
    async with open_producer(kafka_settings) as producer, running(consumer):
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


def commented(author: int, number: int) -> engagement.EngagementEvent:
    at = NOW + timedelta(minutes=number)
    return engagement.EngagementEvent(
        comment_created=engagement.CommentCreated(
            comment_id=first_at(at), post_id=POST, post_author_id=ME, author_id=author, created_at=timestamp(at)
        )
    )


async def test_kinds_that_are_switched_off_leave_no_row_and_no_count(
    notify: NotifyServiceStub, topics: Topics, settings: Settings, graph: Graph
):
    off, friends = settings_pb2.NOTIFY_OF_NOBODY, settings_pb2.NOTIFY_OF_FOLLOWING
    settings.told[ME] = settings_pb2.NotificationSettings(like=off, comment=friends)
    graph.followed.add(BEN)
    await topics.send("engagement.v1", str(POST), liked(ADA, 1))
    await topics.send("engagement.v1", str(POST), commented(ADA, 2))
    await topics.send("engagement.v1", str(POST), commented(BEN, 3))

    async def bens_comment() -> bool:
        return await shown(notify) == [(pb.NOTIFICATION_KIND_COMMENT, [BEN])]

    await eventually(bens_comment, timeout=30)
    assert (await notify.GetUnreadCount(pb.GetUnreadCountRequest(viewer_id=ME))).count == 1


async def test_while_wishes_cannot_be_asked_nothing_is_told_and_nothing_is_lost(
    notify: NotifyServiceStub, topics: Topics, settings: Settings
):
    settings.away = True
    await topics.send("engagement.v1", str(POST), liked(ADA, 1))

    async def asked_twice() -> bool:
        return settings.calls >= 2

    await eventually(asked_twice, timeout=30)
    assert await shown(notify) == []
    settings.away = False

    async def told() -> bool:
        return await shown(notify) == [(pb.NOTIFICATION_KIND_LIKE, [ADA])]

    await eventually(told, timeout=30)


async def test_wishes_are_kept_for_some_seconds_and_no_longer(peers: grpc.aio.Channel, settings: Settings):
    now = 100.0
    preferences = Preferences(
        settings_pb2_grpc.SettingsServiceStub(peers), graph_pb2_grpc.GraphServiceStub(peers), lambda: now
    )
    assert await preferences.wishes([ME, ADA]) == {ME: {}, ADA: {}}
    settings.told[ME] = settings_pb2.NotificationSettings(reply=settings_pb2.NOTIFY_OF_NOBODY)
    assert (await preferences.wishes([ME]))[ME] == {}
    assert settings.calls == 1
    now += KEPT_SECONDS
    assert (await preferences.wishes([ME]))[ME] == {Kind.REPLY: NotifyOf.NOBODY}
    assert settings.calls == 2
