"""The graph and post services' RPCs over fakes in memory: what the feed asks of them, and nothing else."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from feed_service.model import TOP, pack
from google.protobuf.message import Message
from heliograph.graph.v1 import graph_pb2
from heliograph.post.v1 import fragments_pb2, post_pb2

from services.feed.tests.truth_fakes import FakeGraph, FakePosts

Method = Callable[[Any, Any], Awaitable[Message]]


class GraphPeer:
    name = "heliograph.graph.v1.GraphService"

    def __init__(self, truth: FakeGraph) -> None:
        self._truth = truth

    async def relations(self, request: graph_pb2.PackRelationsRequest, _: Any) -> graph_pb2.PackRelationsResponse:
        """In pages of one account, as if there were thousands."""
        found = await self._truth.relations_of(request.user_id)
        rest = sorted(one for one in found.known if one > request.after_id)
        page = {one: found.known[one] for one in rest[:1]}
        return graph_pb2.PackRelationsResponse(
            following=pack(one for one, relation in page.items() if relation.following),
            blocked=pack(one for one, relation in page.items() if relation.blocked),
            close_friend_of=pack(one for one, relation in page.items() if relation.close_friend),
            muted=pack(one for one, relation in page.items() if relation.muting),
            tags=[] if request.after_id else found.tags,
            next_after_id=rest[0] if len(rest) > 1 else 0,
        )

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
            "PackRelations": (self.relations, graph_pb2.PackRelationsRequest),
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


class FragmentPeer:
    name = "heliograph.post.v1.FragmentService"

    def __init__(self, truth: FakePosts) -> None:
        self._truth = truth

    async def fragments(self, request: fragments_pb2.GetFragmentsRequest, _: Any) -> fragments_pb2.GetFragmentsResponse:
        self._truth.asked.append(request.ids)
        ids = [post for post in request.ids if post in self._truth.authors]
        authors = {self._truth.authors[post] for post in ids}
        return fragments_pb2.GetFragmentsResponse(
            fragments=[self._fragment(post) for post in ids],
            authors=[fragments_pb2.Author(id=one, json=b'{"id":"%d"}' % one) for one in authors],
        )

    async def counts(self, request: fragments_pb2.GetCountsRequest, _: Any) -> fragments_pb2.GetCountsResponse:
        self._truth.counted.append(request.ids)
        fragments = [self._fragment(post).counts for post in request.ids]
        return fragments_pb2.GetCountsResponse(
            likes=[one.likes for one in fragments], comments=[one.comments for one in fragments]
        )

    async def published(
        self, request: fragments_pb2.AwaitPublishedRequest, _: Any
    ) -> fragments_pb2.AwaitPublishedResponse:
        if not self._truth.publishes:
            await asyncio.Event().wait()
        return fragments_pb2.AwaitPublishedResponse()

    async def liked(self, request: fragments_pb2.GetLikedRequest, _: Any) -> fragments_pb2.GetLikedResponse:
        return fragments_pb2.GetLikedResponse(ids=await self._truth.liked(request.user_id, request.ids))

    async def likes(self, request: fragments_pb2.ListLikedIdsRequest, _: Any) -> fragments_pb2.ListLikedIdsResponse:
        found, _floor = await self._truth.newest_likes(request.user_id, request.page_size)
        likes = [fragments_pb2.LikedPost(post_id=post, change_id=change) for post, change in found]
        return fragments_pb2.ListLikedIdsResponse(likes=likes)

    async def with_tag(
        self, request: fragments_pb2.ListTagPostIdsRequest, _: Any
    ) -> fragments_pb2.ListTagPostIdsResponse:
        found = await self._truth.with_tag(request.tag, request.before_id or TOP, request.page_size)
        refs = [post_pb2.PostRef(post_id=entry.post_id, author_id=entry.author_id) for entry in found]
        return fragments_pb2.ListTagPostIdsResponse(posts=refs)

    async def commenters(
        self, request: fragments_pb2.ListCommentersRequest, _: Any
    ) -> fragments_pb2.ListCommentersResponse:
        found = {post: self._truth.comments.get(post, []) for post in request.post_ids}
        posts = [fragments_pb2.Commenters(post_id=post, user_ids=people) for post, people in found.items() if people]
        return fragments_pb2.ListCommentersResponse(posts=posts)

    def register(self, server: grpc.aio.Server) -> None:
        methods: dict[str, tuple[Method, type[Message]]] = {
            "ListCommenters": (self.commenters, fragments_pb2.ListCommentersRequest),
            "GetFragments": (self.fragments, fragments_pb2.GetFragmentsRequest),
            "GetCounts": (self.counts, fragments_pb2.GetCountsRequest),
            "AwaitPublished": (self.published, fragments_pb2.AwaitPublishedRequest),
            "GetLiked": (self.liked, fragments_pb2.GetLikedRequest),
            "ListLikedIds": (self.likes, fragments_pb2.ListLikedIdsRequest),
            "ListTagPostIds": (self.with_tag, fragments_pb2.ListTagPostIdsRequest),
        }
        _register(server, self.name, methods)

    def _fragment(self, post: int) -> fragments_pb2.Fragment:
        demand = self._truth.demand(post)
        return fragments_pb2.Fragment(
            post_id=post,
            author_id=self._truth.authors[post],
            demand=fragments_pb2.Demand(
                author=demand.author, follower=demand.follower, close_friend=demand.close_friend
            ),
            body=b'"title":"%d"' % post,
            counts=post_pb2.PostCounts(
                likes=sum(post == liked for _, liked in self._truth.truth.likes),
                comments=len(self._truth.comments.get(post, ())),
            ),
            features=fragments_pb2.Features(tags=sorted(self._truth.truth.tags.get(post, ()))),
        )


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
