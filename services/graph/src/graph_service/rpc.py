"""GraphService of protos/heliograph/graph/v1."""

from collections.abc import Sequence

from heliograph.graph.v1 import graph_pb2 as pb
from heliograph.graph.v1 import graph_pb2_grpc as grpc_
from kit.paging import page_size
from kit.proto import timestamp
from kit.server import Context

from graph_service.model import Edge, Relation
from graph_service.service import Graph

_PACKED = 4000
_MOST_PACKED = 10_000


class GraphRpc(grpc_.GraphServiceServicer):
    def __init__(self, graph: Graph) -> None:
        self._graph = graph

    async def Follow(self, request: pb.FollowRequest, context: Context) -> pb.FollowResponse:
        relation = await self._graph.follow(request.viewer_id, request.user_id)
        return pb.FollowResponse(relationship=_relationship(relation))

    async def Unfollow(self, request: pb.UnfollowRequest, context: Context) -> pb.UnfollowResponse:
        relation = await self._graph.unfollow(request.viewer_id, request.user_id)
        return pb.UnfollowResponse(relationship=_relationship(relation))

    async def Block(self, request: pb.BlockRequest, context: Context) -> pb.BlockResponse:
        relation = await self._graph.block(request.viewer_id, request.user_id)
        return pb.BlockResponse(relationship=_relationship(relation))

    async def Unblock(self, request: pb.UnblockRequest, context: Context) -> pb.UnblockResponse:
        relation = await self._graph.unblock(request.viewer_id, request.user_id)
        return pb.UnblockResponse(relationship=_relationship(relation))

    async def Mute(self, request: pb.MuteRequest, context: Context) -> pb.MuteResponse:
        relation = await self._graph.mute(request.viewer_id, request.user_id)
        return pb.MuteResponse(relationship=_relationship(relation))

    async def Unmute(self, request: pb.UnmuteRequest, context: Context) -> pb.UnmuteResponse:
        relation = await self._graph.unmute(request.viewer_id, request.user_id)
        return pb.UnmuteResponse(relationship=_relationship(relation))

    async def AcceptFollowRequest(
        self, request: pb.AcceptFollowRequestRequest, context: Context
    ) -> pb.AcceptFollowRequestResponse:
        relation = await self._graph.accept(request.viewer_id, request.user_id)
        return pb.AcceptFollowRequestResponse(relationship=_relationship(relation))

    async def RejectFollowRequest(
        self, request: pb.RejectFollowRequestRequest, context: Context
    ) -> pb.RejectFollowRequestResponse:
        relation = await self._graph.reject(request.viewer_id, request.user_id)
        return pb.RejectFollowRequestResponse(relationship=_relationship(relation))

    async def RemoveFollower(self, request: pb.RemoveFollowerRequest, context: Context) -> pb.RemoveFollowerResponse:
        relation = await self._graph.remove_follower(request.viewer_id, request.user_id)
        return pb.RemoveFollowerResponse(relationship=_relationship(relation))

    async def BatchGetRelationships(
        self, request: pb.BatchGetRelationshipsRequest, context: Context
    ) -> pb.BatchGetRelationshipsResponse:
        relations = await self._graph.relationships(request.viewer_id, request.ids)
        return pb.BatchGetRelationshipsResponse(relationships=[_relationship(relation) for relation in relations])

    async def ListFollowers(self, request: pb.ListFollowersRequest, context: Context) -> pb.ListFollowersResponse:
        size = page_size(request.page_size)
        page = await self._graph.followers(request.viewer_id, request.user_id, size, request.page_token)
        return pb.ListFollowersResponse(edges=_edges(page.edges), next_page_token=page.next_token)

    async def ListFollowing(self, request: pb.ListFollowingRequest, context: Context) -> pb.ListFollowingResponse:
        size = page_size(request.page_size)
        page = await self._graph.following(request.viewer_id, request.user_id, size, request.page_token)
        return pb.ListFollowingResponse(edges=_edges(page.edges), next_page_token=page.next_token)

    async def ListFollowRequests(
        self, request: pb.ListFollowRequestsRequest, context: Context
    ) -> pb.ListFollowRequestsResponse:
        page = await self._graph.requests(request.viewer_id, page_size(request.page_size), request.page_token)
        return pb.ListFollowRequestsResponse(edges=_edges(page.edges), next_page_token=page.next_token)

    async def ListBlocks(self, request: pb.ListBlocksRequest, context: Context) -> pb.ListBlocksResponse:
        page = await self._graph.blocks(request.viewer_id, page_size(request.page_size), request.page_token)
        return pb.ListBlocksResponse(edges=_edges(page.edges), next_page_token=page.next_token)

    async def ListMutes(self, request: pb.ListMutesRequest, context: Context) -> pb.ListMutesResponse:
        page = await self._graph.mutes(request.viewer_id, page_size(request.page_size), request.page_token)
        return pb.ListMutesResponse(edges=_edges(page.edges), next_page_token=page.next_token)

    async def BatchGetCounts(self, request: pb.BatchGetCountsRequest, context: Context) -> pb.BatchGetCountsResponse:
        found = await self._graph.counts(request.ids)
        counts = [pb.Counts(id=one.id, followers=one.followers, following=one.following) for one in found]
        return pb.BatchGetCountsResponse(counts=counts)

    async def PackFollowers(self, request: pb.PackFollowersRequest, context: Context) -> pb.PackFollowersResponse:
        size = page_size(request.page_size, default=_PACKED, cap=_MOST_PACKED)
        packed, last = await self._graph.pack_followers(request.user_id, request.after_id, size)
        return pb.PackFollowersResponse(ids=packed, next_after_id=last)

    async def PackFollowing(self, request: pb.PackFollowingRequest, context: Context) -> pb.PackFollowingResponse:
        size = page_size(request.page_size, default=_PACKED, cap=_MOST_PACKED)
        packed, last = await self._graph.pack_following(request.user_id, request.after_id, size)
        return pb.PackFollowingResponse(ids=packed, next_after_id=last)


def _relationship(relation: Relation) -> pb.Relationship:
    return pb.Relationship(
        id=relation.id,
        following=relation.following,
        requested=relation.requested,
        followed_by=relation.followed_by,
        blocking=relation.blocking,
        blocked_by=relation.blocked_by,
        muting=relation.muting,
        close_friend_of=relation.close_friend_of,
    )


def _edges(edges: Sequence[Edge]) -> list[pb.Edge]:
    return [pb.Edge(user_id=edge.user_id, created_at=timestamp(edge.created_at)) for edge in edges]
