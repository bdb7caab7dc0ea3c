"""From an event on Kafka to an answer of the service, with peers that answer as the real ones do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime

import pytest
from google.protobuf.message import Message
from heliograph.events.v1 import post_events_pb2 as post_events
from heliograph.events.v1 import user_events_pb2 as user_events
from heliograph.graph.v1 import graph_pb2, graph_pb2_grpc
from heliograph.post.v1 import post_pb2, post_pb2_grpc
from heliograph.search.v1 import search_pb2 as pb
from heliograph.search.v1.search_pb2_grpc import SearchServiceStub, add_SearchServiceServicer_to_server
from heliograph.user.v1 import user_pb2, user_pb2_grpc
from kit import kafka
from kit.consumer import Consumer, by_topic, dispatch
from kit.errors import InvalidArgument
from kit.kafka import open_producer
from kit.proto import timestamp
from kit.server import Context
from kit.settings import KafkaSettings
from kit.testing import MakeSettings, MakeTopics, Rpc, eventually
from search_service.clients import Graph, Posts, Users
from search_service.events import post_handlers, user_handlers
from search_service.rpc import SearchRpc
from search_service.service import IndexService, SearchService
from search_service.store.index import Index, open_index
from search_service.store.layout import Layout

ME, ADA = 1, 11
NOW = datetime.now(UTC)


@dataclass
class Truth:
    """What the owners of the data know, whatever the index says."""

    private: set[int] = field(default_factory=set[int])
    unlisted: set[int] = field(default_factory=set[int])
    blocked: set[int] = field(default_factory=set[int])
    hidden_posts: set[int] = field(default_factory=set[int])

    def profile(self, id_: int) -> user_pb2.Profile:
        return user_pb2.Profile(
            id=id_,
            username=f"ada_{id_}",
            state=user_pb2.ACCOUNT_STATE_ACTIVE,
            private_account=id_ in self.private,
            unlisted=id_ in self.unlisted,
            version=2 if id_ in self.private else 1,
        )


class UserPeer(user_pb2_grpc.UserServiceServicer):
    def __init__(self, truth: Truth) -> None:
        self._truth = truth

    async def BatchGetProfiles(
        self, request: user_pb2.BatchGetProfilesRequest, context: Context
    ) -> user_pb2.BatchGetProfilesResponse:
        return user_pb2.BatchGetProfilesResponse(profiles=[self._truth.profile(id_) for id_ in request.ids])


class GraphPeer(graph_pb2_grpc.GraphServiceServicer):
    def __init__(self, truth: Truth) -> None:
        self._truth = truth

    async def BatchGetRelationships(
        self, request: graph_pb2.BatchGetRelationshipsRequest, context: Context
    ) -> graph_pb2.BatchGetRelationshipsResponse:
        found = [graph_pb2.Relationship(id=id_, blocked_by=id_ in self._truth.blocked) for id_ in request.ids]
        return graph_pb2.BatchGetRelationshipsResponse(relationships=found)


class PostPeer(post_pb2_grpc.PostServiceServicer):
    def __init__(self, truth: Truth) -> None:
        self._truth = truth

    async def BatchGetPosts(
        self, request: post_pb2.BatchGetPostsRequest, context: Context
    ) -> post_pb2.BatchGetPostsResponse:
        visible = [post_pb2.Post(id=id_) for id_ in request.ids if id_ not in self._truth.hidden_posts]
        return post_pb2.BatchGetPostsResponse(posts=visible)


@dataclass
class World:
    truth: Truth
    search: SearchServiceStub
    producer: kafka.Producer

    async def send(self, topic: str, key: int, event: Message) -> None:
        await self.producer.send(kafka.Message(topic, str(key), "event", event.SerializeToString()))

    async def registered(self, id_: int) -> None:
        registered = user_events.AccountRegistered(profile=self.truth.profile(id_))
        await self.send("user.v1", id_, user_events.UserEvent(account_registered=registered))

    async def published(self, post_id: int, author_id: int, title: str, *tags: str) -> None:
        snapshot = post_events.PostSnapshot(
            post_id=post_id,
            author_id=author_id,
            title=title,
            tags=tags,
            audience=post_pb2.AUDIENCE_PUBLIC,
            created_at=timestamp(NOW),
            version=1,
        )
        event = post_events.PostEvent(post_published=post_events.PostPublished(post=snapshot))
        await self.send("post.v1", post_id, event)

    async def found(self, query: str, kind: pb.ResultType.ValueType) -> list[int | str]:
        answer = await self.search.Search(pb.SearchRequest(viewer_id=ME, query=query, type=kind))
        which = [(result, result.WhichOneof("result")) for result in answer.results]
        return [result.tag.name if case == "tag" else getattr(result, case or "").id for result, case in which]


@pytest.fixture
async def world(
    servers: dict[str, str],
    index_prefix: str,
    rpc: Rpc,
    make_settings: MakeSettings,
    make_topics: MakeTopics,
    topic_prefix: str,
) -> AsyncGenerator[World]:
    settings = make_settings(KafkaSettings, topic_prefix=topic_prefix)
    await make_topics("user.v1", "post.v1")
    truth = Truth()
    users = UserPeer(truth)  # pyright: ignore[reportAbstractUsage] it answers what is asked here
    graph = GraphPeer(truth)  # pyright: ignore[reportAbstractUsage] it answers what is asked here
    posts = PostPeer(truth)  # pyright: ignore[reportAbstractUsage] it answers what is asked here
    peers = await rpc(
        lambda server: user_pb2_grpc.add_UserServiceServicer_to_server(users, server),
        lambda server: graph_pb2_grpc.add_GraphServiceServicer_to_server(graph, server),
        lambda server: post_pb2_grpc.add_PostServiceServicer_to_server(posts, server),
    )
    user_client = Users(user_pb2_grpc.UserServiceStub(peers))
    async with (
        open_index(servers["HELIOGRAPH_ELASTICSEARCH_URL"], Layout(index_prefix, 1, 0)) as index,
        open_producer(settings) as producer,
    ):
        await index.migrate()
        search = SearchService(
            index,
            user_client,
            Graph(graph_pb2_grpc.GraphServiceStub(peers)),
            Posts(post_pb2_grpc.PostServiceStub(peers)),
        )
        channel = await rpc(lambda server: add_SearchServiceServicer_to_server(SearchRpc(search), server))
        worker = asyncio.create_task(_consumer(settings, index, user_client).run())
        yield World(truth, SearchServiceStub(channel), producer)
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)


def _consumer(settings: KafkaSettings, index: Index, users: Users) -> Consumer:
    service = IndexService(index, users)
    handles = {
        "user.v1": dispatch(user_events.UserEvent, user_handlers(service)),
        "post.v1": dispatch(post_events.PostEvent, post_handlers(service)),
    }
    return Consumer(settings, group="search.index", topics=list(handles), handle=by_topic(handles))


async def test_an_account_is_found_until_a_block_hides_it(world: World):
    await world.registered(ADA)

    async def found() -> bool:
        return await world.found("ada", pb.RESULT_TYPE_USERS) == [ADA]

    await eventually(found, timeout=30)
    world.truth.blocked.add(ADA)
    assert await world.found("ada", pb.RESULT_TYPE_USERS) == []


async def test_a_post_is_found_by_title_and_tag_and_hidden_as_its_owner_says(world: World):
    await world.published(500, ADA, "Evening over hills", "dusk")
    await world.published(500, ADA, "Evening over hills", "dusk")

    async def found() -> bool:
        return await world.found("evening", pb.RESULT_TYPE_POSTS) == [500]

    await eventually(found, timeout=30)
    assert await world.found("#dus", pb.RESULT_TYPE_TAGS) == ["dusk"]
    world.truth.hidden_posts.add(500)
    assert await world.found("evening", pb.RESULT_TYPE_POSTS) == []


async def test_an_account_that_wants_not_to_be_found_is_found_by_itself_alone(world: World):
    await world.registered(ADA)
    await world.registered(ME)

    async def both() -> bool:
        return sorted(map(int, await world.found("ada", pb.RESULT_TYPE_USERS))) == [ME, ADA]

    await eventually(both, timeout=30)
    world.truth.unlisted |= {ADA, ME}
    assert await world.found("ada", pb.RESULT_TYPE_USERS) == [ME]


async def test_going_private_takes_an_accounts_tags_out(world: World):
    await world.published(500, ADA, "Evening", "dusk")

    async def found() -> bool:
        return await world.found("dusk", pb.RESULT_TYPE_TAGS) == ["dusk"]

    await eventually(found, timeout=30)
    assert (await world.search.CountTagPosts(pb.CountTagPostsRequest(tag="dusk"))).posts == 1
    world.truth.private.add(ADA)
    changed = user_events.PrivacyChanged(profile=world.truth.profile(ADA))
    await world.send("user.v1", ADA, user_events.UserEvent(privacy_changed=changed))

    async def gone() -> bool:
        return await world.found("dusk", pb.RESULT_TYPE_TAGS) == []

    await eventually(gone, timeout=30)
    assert (await world.search.CountTagPosts(pb.CountTagPostsRequest(tag="dusk"))).posts == 0


async def test_a_deleted_post_is_gone(world: World):
    await world.published(500, ADA, "Evening")
    await world.published(501, ADA, "Evening")
    deleted = post_events.PostDeleted(post_id=500, author_id=ADA, version=2, deleted_at=timestamp(NOW))
    await world.send("post.v1", 500, post_events.PostEvent(post_deleted=deleted))

    async def one_left() -> bool:
        return await world.found("evening", pb.RESULT_TYPE_POSTS) == [501]

    await eventually(one_left, timeout=30)


@pytest.mark.parametrize("query", ["", "#", "x" * 201])
async def test_a_query_that_is_none_is_refused(world: World, query: str):
    with pytest.raises(InvalidArgument) as error:
        await world.found(query, pb.RESULT_TYPE_POSTS)
    assert error.value.fields[0].field == "/q"
