"""heliograph.post.v1.PostService, all of its calls."""

from post_service.rpc.engagement import EngagementCalls
from post_service.rpc.media import MediaCalls
from post_service.rpc.posts import PostCalls
from post_service.service.comments import CommentService
from post_service.service.likes import LikeService
from post_service.service.lists import PostLists
from post_service.service.media import MediaService
from post_service.service.posts import PostService
from post_service.service.reading import PostReader


class PostServicer(MediaCalls, PostCalls, EngagementCalls):
    def __init__(
        self,
        *,
        media: MediaService,
        posts: PostService,
        reader: PostReader,
        lists: PostLists,
        likes: LikeService,
        comments: CommentService,
    ) -> None:
        self._media = media
        self._posts = posts
        self._reader = reader
        self._lists = lists
        self._likes = likes
        self._comments = comments
