"""Post calls."""

from heliograph.post.v1 import post_pb2, post_pb2_grpc
from kit.server import Context

from post_service.rpc.messages import post_message
from post_service.rpc.requests import draft_of, edit_of
from post_service.service.lists import PostLists
from post_service.service.posts import PostService
from post_service.service.reading import PostReader


class PostCalls(post_pb2_grpc.PostServiceServicer):
    _posts: PostService
    _reader: PostReader
    _lists: PostLists

    async def CreatePost(self, request: post_pb2.CreatePostRequest, context: Context) -> post_pb2.CreatePostResponse:
        view = await self._posts.create(request.viewer_id, draft_of(request))
        return post_pb2.CreatePostResponse(post=post_message(view))

    async def GetPost(self, request: post_pb2.GetPostRequest, context: Context) -> post_pb2.GetPostResponse:
        view = await self._reader.get(request.viewer_id, request.post_id)
        return post_pb2.GetPostResponse(post=post_message(view))

    async def BatchGetPosts(
        self, request: post_pb2.BatchGetPostsRequest, context: Context
    ) -> post_pb2.BatchGetPostsResponse:
        views = await self._reader.get_many(request.viewer_id, request.ids)
        return post_pb2.BatchGetPostsResponse(posts=[post_message(view) for view in views])

    async def UpdatePost(self, request: post_pb2.UpdatePostRequest, context: Context) -> post_pb2.UpdatePostResponse:
        view = await self._posts.update(request.viewer_id, request.post.id, edit_of(request), request.etag)
        return post_pb2.UpdatePostResponse(post=post_message(view))

    async def DeletePost(self, request: post_pb2.DeletePostRequest, context: Context) -> post_pb2.DeletePostResponse:
        await self._posts.delete(request.viewer_id, request.post_id)
        return post_pb2.DeletePostResponse()

    async def ListAuthorPosts(
        self, request: post_pb2.ListAuthorPostsRequest, context: Context
    ) -> post_pb2.ListAuthorPostsResponse:
        page = await self._lists.of_author(request.viewer_id, request.author_id, request.page_size, request.page_token)
        posts = [post_message(view) for view in page.items]
        return post_pb2.ListAuthorPostsResponse(posts=posts, next_page_token=page.next_token)

    async def ListTagPosts(
        self, request: post_pb2.ListTagPostsRequest, context: Context
    ) -> post_pb2.ListTagPostsResponse:
        page = await self._lists.of_tag(request.viewer_id, request.tag, request.page_size, request.page_token)
        posts = [post_message(view) for view in page.items]
        return post_pb2.ListTagPostsResponse(posts=posts, next_page_token=page.next_token)

    async def ListPostIds(self, request: post_pb2.ListPostIdsRequest, context: Context) -> post_pb2.ListPostIdsResponse:
        found = await self._lists.newest_ids(request.author_ids, request.before_id, request.page_size)
        refs = [post_pb2.PostRef(post_id=ref.post_id, author_id=ref.author_id) for ref in found]
        return post_pb2.ListPostIdsResponse(posts=refs)

    async def BatchGetPostCounts(
        self, request: post_pb2.BatchGetPostCountsRequest, context: Context
    ) -> post_pb2.BatchGetPostCountsResponse:
        return post_pb2.BatchGetPostCountsResponse(posts=await self._lists.counts(request.author_ids))
