"""The graph and post services' RPCs over fakes in memory: what the feed asks of them, and nothing else."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from feed_service.model import TOP, pack
from google.protobuf.message import Message
from heliograph.graph.v1 import graph_pb2
from heliograph.post.v1 import post_pb2

from services.feed.tests.fakes import FakeGraph, FakePosts

Method = Callable[[Any, Any], Awaitable[Message]]


class GraphPeer:
    name = "heliograph.graph.v1.GraphService"

    def __init__(self, truth: FakeGraph) -> None:
        self._truth = truth

    async def relationships(
        self, request: graph_pb2.BatchGetRelationshipsRequest, _: Any
    ) -> graph_pb2.BatchGetRelationshipsResponse:
        found = await self._truth.relations(request.viewer_id, request.ids)
        relations = [graph_pb2.Relationship(id=i, following=r.following, muting=r.muting) for i, r in found.items()]
        return graph_pb2.BatchGetRelationshipsResponse(relationships=relations)

    async def counts(self, request: graph_pb2.BatchGetCountsRequest, _: Any) -> graph_pb2.BatchGetCountsResponse:
        counts = [graph_pb2.Counts(id=one, followers=await self._truth.followers(one)) for one in request.ids]
        return graph_pb2.BatchGetCountsResponse(counts=counts)

    async def followers(self, request: graph_pb2.PackFollowersRequest, _: Any) -> graph_pb2.PackFollowersResponse:
        ids, after = await self._truth.follower_page(request.user_id, request.after_id, request.page_size)
        return graph_pb2.PackFollowersResponse(ids=ids, next_after_id=after)

    async def following(self, request: graph_pb2.PackFollowingRequest, _: Any) -> graph_pb2.PackFollowingResponse:
        rest = [one for one in await self._truth.following(request.user_id) if one > request.after_id]
        page = rest[: request.page_size]
        return graph_pb2.PackFollowingResponse(ids=pack(page), next_after_id=page[-1] if len(rest) > len(page) else 0)

    def register(self, server: grpc.aio.Server) -> None:
        methods: dict[str, tuple[Method, type[Message]]] = {
            "BatchGetRelationships": (self.relationships, graph_pb2.BatchGetRelationshipsRequest),
            "BatchGetCounts": (self.counts, graph_pb2.BatchGetCountsRequest),
            "PackFollowers": (self.followers, graph_pb2.PackFollowersRequest),
            "PackFollowing": (self.following, graph_pb2.PackFollowingRequest),
        }
        _register(server, self.name, methods)


class PostPeer:
    name = "heliograph.post.v1.PostService"

    def __init__(self, truth: FakePosts) -> None:
        self._truth = truth

    async def ids(self, request: post_pb2.ListPostIdsRequest, _: Any) -> post_pb2.ListPostIdsResponse:
        found = await self._truth.newest(request.author_ids, request.before_id or TOP, request.page_size)
        refs = [post_pb2.PostRef(post_id=entry.post_id, author_id=entry.author_id) for entry in found]
        return post_pb2.ListPostIdsResponse(posts=refs)

    async def posts(self, request: post_pb2.BatchGetPostsRequest, _: Any) -> post_pb2.BatchGetPostsResponse:
        found = await self._truth.visible(request.viewer_id, request.ids)
        return post_pb2.BatchGetPostsResponse(posts=[post_pb2.Post(id=post) for post in found])

    def register(self, server: grpc.aio.Server) -> None:
        methods: dict[str, tuple[Method, type[Message]]] = {
            "ListPostIds": (self.ids, post_pb2.ListPostIdsRequest),
            "BatchGetPosts": (self.posts, post_pb2.BatchGetPostsRequest),
        }
        _register(server, self.name, methods)


def _register(server: grpc.aio.Server, service: str, methods: dict[str, tuple[Method, type[Message]]]) -> None:
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            method, request_deserializer=request.FromString, response_serializer=_serialize
        )
        for name, (method, request) in methods.items()
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, handlers),))


def _serialize(message: Message) -> bytes:
    return message.SerializeToString()
