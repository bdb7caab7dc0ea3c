"""heliograph.post.v1.FragmentService."""

from heliograph.post.v1 import fragments_pb2 as pb
from heliograph.post.v1 import post_pb2
from heliograph.post.v1.fragments_pb2_grpc import FragmentServiceServicer
from kit.server import Context

from post_service.rpc.messages import counts_message, location_message, mention_messages
from post_service.service.fragments import Fragment, FragmentService

NAME = pb.DESCRIPTOR.services_by_name["FragmentService"].full_name


class FragmentRpc(FragmentServiceServicer):
    def __init__(self, fragments: FragmentService) -> None:
        self._fragments = fragments

    async def GetFragments(self, request: pb.GetFragmentsRequest, context: Context) -> pb.GetFragmentsResponse:
        found, authors = await self._fragments.get(request.ids)
        return pb.GetFragmentsResponse(
            fragments=[_fragment(each, features=request.features) for each in found],
            authors=[pb.Author(id=id_, json=json) for id_, json in authors.items()],
        )

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


def _fragment(fragment: Fragment, *, features: bool) -> pb.Fragment:
    piece, demand = fragment.piece, fragment.demand
    message = pb.Fragment(
        post_id=piece.post_id,
        author_id=piece.author_id,
        demand=pb.Demand(author=demand.author, follower=demand.follower, close_friend=demand.close_friend),
        body=piece.body,
        mentions=mention_messages(fragment.mentions),
        counts=counts_message(fragment.counts),
    )
    if features:
        message.features.CopyFrom(pb.Features(tags=piece.tags, location=location_message(piece.location)))
    return message
