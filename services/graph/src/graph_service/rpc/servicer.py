"""GraphService of protos/heliograph/graph/v1."""

from heliograph.graph.v1 import graph_pb2 as pb
from heliograph.graph.v1 import graph_pb2_grpc as grpc_
from kit.paging import page_size
from kit.server import Context

from graph_service.rpc.messages import edges_of, end_of, packed_of, relationship_of, suggestion_of
from graph_service.service.changes import Changes
from graph_service.service.reading import Reading
from graph_service.service.suggestions import Suggestions
from graph_service.service.tags import Tags

_PACKED = 4000
_MOST_PACKED = 10_000


class GraphRpc(grpc_.GraphServiceServicer):
    def __init__(self, changes: Changes, reading: Reading, suggestions: Suggestions, tags: Tags) -> None:
        self._changes = changes
        self._reading = reading
        self._suggestions = suggestions
        self._tags = tags

    async def Follow(self, request: pb.FollowRequest, context: Context) -> pb.FollowResponse:
        relation = await self._changes.follow(request.viewer_id, request.user_id)
        return pb.FollowResponse(relationship=relationship_of(relation), changed=relation.changed)

    async def Unfollow(self, request: pb.UnfollowRequest, context: Context) -> pb.UnfollowResponse:
        relation = await self._changes.unfollow(request.viewer_id, request.user_id)
        return pb.UnfollowResponse(relationship=relationship_of(relation), changed=relation.changed)

    async def Block(self, request: pb.BlockRequest, context: Context) -> pb.BlockResponse:
        relation = await self._changes.block(request.viewer_id, request.user_id)
        return pb.BlockResponse(relationship=relationship_of(relation), changed=relation.changed)

    async def Unblock(self, request: pb.UnblockRequest, context: Context) -> pb.UnblockResponse:
        relation = await self._changes.unblock(request.viewer_id, request.user_id)
        return pb.UnblockResponse(relationship=relationship_of(relation), changed=relation.changed)

    async def Mute(self, request: pb.MuteRequest, context: Context) -> pb.MuteResponse:
        relation = await self._changes.mute(request.viewer_id, request.user_id, end_of(request))
        return pb.MuteResponse(relationship=relationship_of(relation), changed=relation.changed)

    async def Unmute(self, request: pb.UnmuteRequest, context: Context) -> pb.UnmuteResponse:
        relation = await self._changes.unmute(request.viewer_id, request.user_id)
        return pb.UnmuteResponse(relationship=relationship_of(relation), changed=relation.changed)

    async def AcceptFollowRequest(
        self, request: pb.AcceptFollowRequestRequest, context: Context
    ) -> pb.AcceptFollowRequestResponse:
        relation = await self._changes.accept(request.viewer_id, request.user_id)
        return pb.AcceptFollowRequestResponse(relationship=relationship_of(relation), changed=relation.changed)

    async def RejectFollowRequest(
        self, request: pb.RejectFollowRequestRequest, context: Context
    ) -> pb.RejectFollowRequestResponse:
        relation = await self._changes.reject(request.viewer_id, request.user_id)
        return pb.RejectFollowRequestResponse(relationship=relationship_of(relation), changed=relation.changed)

    async def RemoveFollower(self, request: pb.RemoveFollowerRequest, context: Context) -> pb.RemoveFollowerResponse:
        relation = await self._changes.remove_follower(request.viewer_id, request.user_id)
        return pb.RemoveFollowerResponse(relationship=relationship_of(relation), changed=relation.changed)

    async def BatchGetRelationships(
        self, request: pb.BatchGetRelationshipsRequest, context: Context
    ) -> pb.BatchGetRelationshipsResponse:
        relations = await self._reading.relationships(request.viewer_id, request.ids)
        return pb.BatchGetRelationshipsResponse(relationships=[relationship_of(relation) for relation in relations])

    async def ListFollowers(self, request: pb.ListFollowersRequest, context: Context) -> pb.ListFollowersResponse:
        size = page_size(request.page_size)
        page = await self._reading.followers(request.viewer_id, request.user_id, size, request.page_token)
        return pb.ListFollowersResponse(edges=edges_of(page.edges), next_page_token=page.next_token)

    async def ListFollowing(self, request: pb.ListFollowingRequest, context: Context) -> pb.ListFollowingResponse:
        size = page_size(request.page_size)
        page = await self._reading.following(request.viewer_id, request.user_id, size, request.page_token)
        return pb.ListFollowingResponse(edges=edges_of(page.edges), next_page_token=page.next_token)

    async def ListFollowRequests(
        self, request: pb.ListFollowRequestsRequest, context: Context
    ) -> pb.ListFollowRequestsResponse:
        page = await self._reading.requests(request.viewer_id, page_size(request.page_size), request.page_token)
        return pb.ListFollowRequestsResponse(edges=edges_of(page.edges), next_page_token=page.next_token)

    async def ListBlocks(self, request: pb.ListBlocksRequest, context: Context) -> pb.ListBlocksResponse:
        page = await self._reading.blocks(request.viewer_id, page_size(request.page_size), request.page_token)
        return pb.ListBlocksResponse(edges=edges_of(page.edges), next_page_token=page.next_token)

    async def ListMutes(self, request: pb.ListMutesRequest, context: Context) -> pb.ListMutesResponse:
        page = await self._reading.mutes(request.viewer_id, page_size(request.page_size), request.page_token)
        return pb.ListMutesResponse(edges=edges_of(page.edges), next_page_token=page.next_token)

    async def AddCloseFriend(self, request: pb.AddCloseFriendRequest, context: Context) -> pb.AddCloseFriendResponse:
        relation = await self._changes.add_close_friend(request.viewer_id, request.user_id)
        return pb.AddCloseFriendResponse(relationship=relationship_of(relation), changed=relation.changed)

    async def RemoveCloseFriend(
        self, request: pb.RemoveCloseFriendRequest, context: Context
    ) -> pb.RemoveCloseFriendResponse:
        relation = await self._changes.remove_close_friend(request.viewer_id, request.user_id)
        return pb.RemoveCloseFriendResponse(relationship=relationship_of(relation), changed=relation.changed)

    async def ListCloseFriends(
        self, request: pb.ListCloseFriendsRequest, context: Context
    ) -> pb.ListCloseFriendsResponse:
        page = await self._reading.close_friends(request.viewer_id, page_size(request.page_size), request.page_token)
        return pb.ListCloseFriendsResponse(edges=edges_of(page.edges), next_page_token=page.next_token)

    async def ListSuggestions(self, request: pb.ListSuggestionsRequest, context: Context) -> pb.ListSuggestionsResponse:
        best = await self._suggestions.best(request.viewer_id, page_size(request.page_size))
        return pb.ListSuggestionsResponse(suggestions=[suggestion_of(candidate) for candidate in best])

    async def DismissSuggestion(
        self, request: pb.DismissSuggestionRequest, context: Context
    ) -> pb.DismissSuggestionResponse:
        await self._suggestions.dismiss(request.viewer_id, request.user_id)
        return pb.DismissSuggestionResponse()

    async def BatchGetCounts(self, request: pb.BatchGetCountsRequest, context: Context) -> pb.BatchGetCountsResponse:
        found = await self._reading.counts(request.ids)
        counts = [pb.Counts(id=one.id, followers=one.followers, following=one.following) for one in found]
        return pb.BatchGetCountsResponse(counts=counts)

    async def PackFollowers(self, request: pb.PackFollowersRequest, context: Context) -> pb.PackFollowersResponse:
        size = page_size(request.page_size, default=_PACKED, cap=_MOST_PACKED)
        packed, last = await self._reading.pack_followers(request.user_id, request.after_id, size)
        return pb.PackFollowersResponse(ids=packed, next_after_id=last)

    async def PackFollowing(self, request: pb.PackFollowingRequest, context: Context) -> pb.PackFollowingResponse:
        size = page_size(request.page_size, default=_PACKED, cap=_MOST_PACKED)
        packed, last = await self._reading.pack_following(request.user_id, request.after_id, size)
        return pb.PackFollowingResponse(ids=packed, next_after_id=last)

    async def PackRelations(self, request: pb.PackRelationsRequest, context: Context) -> pb.PackRelationsResponse:
        size = page_size(request.page_size, default=_MOST_PACKED, cap=_MOST_PACKED)
        return packed_of(await self._reading.pack_relations(request.user_id, request.after_id, size))

    async def FollowTag(self, request: pb.FollowTagRequest, context: Context) -> pb.FollowTagResponse:
        return pb.FollowTagResponse(tag=await self._tags.follow(request.viewer_id, request.tag))

    async def UnfollowTag(self, request: pb.UnfollowTagRequest, context: Context) -> pb.UnfollowTagResponse:
        await self._tags.unfollow(request.viewer_id, request.tag)
        return pb.UnfollowTagResponse()

    async def GetTag(self, request: pb.GetTagRequest, context: Context) -> pb.GetTagResponse:
        tag, following = await self._tags.get(request.viewer_id, request.tag)
        return pb.GetTagResponse(tag=tag, following=following)

    async def ListFollowedTags(
        self, request: pb.ListFollowedTagsRequest, context: Context
    ) -> pb.ListFollowedTagsResponse:
        found, token = await self._tags.followed(request.viewer_id, page_size(request.page_size), request.page_token)
        return pb.ListFollowedTagsResponse(tags=[one.tag for one in found], next_page_token=token)
