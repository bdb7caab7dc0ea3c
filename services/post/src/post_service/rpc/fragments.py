"""heliograph.post.v1.FragmentService."""

import itertools
from functools import lru_cache

from heliograph.post.v1 import fragments_pb2 as pb
from heliograph.post.v1 import post_pb2
from heliograph.post.v1.fragments_pb2_grpc import FragmentServiceServicer
from kit.proto import member
from kit.server import Context

from post_service.rpc.messages import mention_messages
from post_service.service.fragments import Fragment, FragmentService

NAME = pb.DESCRIPTOR.services_by_name["FragmentService"].full_name


class FragmentRpc(FragmentServiceServicer):
    def __init__(self, fragments: FragmentService) -> None:
        self._fragments = fragments

    async def GetFragments(self, request: pb.GetFragmentsRequest, context: Context) -> pb.GetFragmentsResponse:
        found, authors = await self._fragments.get(request.ids)
        parts = [member(_FRAGMENTS, _fragment(each, features=request.features)) for each in found]
        parts += [_author(id_, json) for id_, json in authors.items()]
        return pb.GetFragmentsResponse.FromString(b"".join(parts))

    async def GetCounts(self, request: pb.GetCountsRequest, context: Context) -> pb.GetCountsResponse:
        counts = await self._fragments.counts(request.ids)
        return pb.GetCountsResponse(likes=[each.likes for each in counts], comments=[each.comments for each in counts])

    async def AwaitPublished(self, request: pb.AwaitPublishedRequest, context: Context) -> pb.AwaitPublishedResponse:
        await self._fragments.published()
        return pb.AwaitPublishedResponse()

    async def GetLiked(self, request: pb.GetLikedRequest, context: Context) -> pb.GetLikedResponse:
        return pb.GetLikedResponse(ids=await self._fragments.liked(request.user_id, request.ids))

    async def ListLikedIds(self, request: pb.ListLikedIdsRequest, context: Context) -> pb.ListLikedIdsResponse:
        found = await self._fragments.liked_ids(request.user_id, request.before_id, request.page_size)
        likes = [pb.LikedPost(post_id=post_id, change_id=change_id) for post_id, change_id in found]
        return pb.ListLikedIdsResponse(likes=likes)

    async def ListTagPostIds(self, request: pb.ListTagPostIdsRequest, context: Context) -> pb.ListTagPostIdsResponse:
        found = await self._fragments.of_tag(request.tag, request.before_id, request.page_size)
        refs = [post_pb2.PostRef(post_id=ref.post_id, author_id=ref.author_id) for ref in found]
        return pb.ListTagPostIdsResponse(posts=refs)

    async def ListCommenters(self, request: pb.ListCommentersRequest, context: Context) -> pb.ListCommentersResponse:
        found = await self._fragments.commenters(request.post_ids)
        posts = [pb.Commenters(post_id=post_id, user_ids=user_ids) for post_id, user_ids in found.items()]
        return pb.ListCommentersResponse(posts=posts)


# What a post's copy holds encoded is sent as it is. Making messages of it cost four times as much.
_FRAGMENTS, _AUTHORS = 1, 2  # members of the response
_DEMANDS = {
    flags: pb.Fragment(demand=pb.Demand(author=flags[0], follower=flags[1], close_friend=flags[2])).SerializeToString()
    for flags in itertools.product((False, True), repeat=3)
}


def _fragment(fragment: Fragment, *, features: bool) -> bytes:
    piece, demand, mentions, counts = fragment
    hidden = [one.user_id for one in piece.mentions if one not in mentions] if piece.mentions else ()
    message = (
        piece.message
        + _DEMANDS[demand.author, demand.follower, demand.close_friend]
        + _counts(counts.likes, counts.comments)
    )
    if mentions or hidden:
        message += pb.Fragment(mentions=mention_messages(mentions), hidden_mention_ids=hidden).SerializeToString()
    return message + piece.features if features else message


@lru_cache(4096)
def _counts(likes: int, comments: int) -> bytes:
    return pb.Fragment(counts=post_pb2.PostCounts(likes=likes, comments=comments)).SerializeToString()


@lru_cache(4096)
def _author(id_: int, json: bytes) -> bytes:
    return member(_AUTHORS, pb.Author(id=id_, json=json).SerializeToString())
