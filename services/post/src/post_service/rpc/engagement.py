"""Like and comment calls."""

from heliograph.post.v1 import post_pb2, post_pb2_grpc
from kit.server import Context

from post_service.rpc.messages import comment_message, counts_message, profile_message, viewer_message
from post_service.rpc.requests import request_id_of
from post_service.service.comments import CommentService, NewComment
from post_service.service.likes import LikeService


class EngagementCalls(post_pb2_grpc.PostServiceServicer):
    _likes: LikeService
    _comments: CommentService

    async def LikePost(self, request: post_pb2.LikePostRequest, context: Context) -> post_pb2.LikePostResponse:
        done = await self._likes.like(request.viewer_id, request.post_id)
        return post_pb2.LikePostResponse(
            counts=counts_message(done.counts), viewer=viewer_message(liked=True), change_id=done.change_id
        )

    async def UnlikePost(self, request: post_pb2.UnlikePostRequest, context: Context) -> post_pb2.UnlikePostResponse:
        done = await self._likes.unlike(request.viewer_id, request.post_id)
        return post_pb2.UnlikePostResponse(
            counts=counts_message(done.counts), viewer=viewer_message(liked=False), change_id=done.change_id
        )

    async def ListLikes(self, request: post_pb2.ListLikesRequest, context: Context) -> post_pb2.ListLikesResponse:
        page = await self._likes.likers(request.viewer_id, request.post_id, request.page_size, request.page_token)
        profiles = [profile_message(profile) for profile in page.items]
        return post_pb2.ListLikesResponse(profiles=profiles, next_page_token=page.next_token)

    async def CreateComment(
        self, request: post_pb2.CreateCommentRequest, context: Context
    ) -> post_pb2.CreateCommentResponse:
        asked = NewComment(request.post_id, request.text, request.reply_to, request_id_of(request.request_id))
        view = await self._comments.create(request.viewer_id, asked)
        return post_pb2.CreateCommentResponse(comment=comment_message(view))

    async def ListComments(
        self, request: post_pb2.ListCommentsRequest, context: Context
    ) -> post_pb2.ListCommentsResponse:
        page = await self._comments.of_post(request.viewer_id, request.post_id, request.page_size, request.page_token)
        comments = [comment_message(view) for view in page.items]
        return post_pb2.ListCommentsResponse(comments=comments, next_page_token=page.next_token)

    async def ListReplies(self, request: post_pb2.ListRepliesRequest, context: Context) -> post_pb2.ListRepliesResponse:
        page = await self._comments.replies(
            request.viewer_id, request.comment_id, request.page_size, request.page_token
        )
        comments = [comment_message(view) for view in page.items]
        return post_pb2.ListRepliesResponse(comments=comments, next_page_token=page.next_token)

    async def DeleteComment(
        self, request: post_pb2.DeleteCommentRequest, context: Context
    ) -> post_pb2.DeleteCommentResponse:
        await self._comments.delete(request.viewer_id, request.comment_id)
        return post_pb2.DeleteCommentResponse()

    async def BatchGetComments(
        self, request: post_pb2.BatchGetCommentsRequest, context: Context
    ) -> post_pb2.BatchGetCommentsResponse:
        views = await self._comments.get_many(request.viewer_id, request.ids)
        return post_pb2.BatchGetCommentsResponse(comments=[comment_message(view) for view in views])
