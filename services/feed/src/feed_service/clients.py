"""Calls to graph and post."""

import asyncio
from collections.abc import Mapping, Sequence

from heliograph.graph.v1.graph_pb2 import (
    BatchGetCountsRequest,
    BatchGetRelationshipsRequest,
    PackFollowersRequest,
    PackFollowingRequest,
)
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub
from heliograph.post.v1.post_pb2 import BatchGetPostsRequest, ListPostIdsRequest, Post
from heliograph.post.v1.post_pb2_grpc import PostServiceStub

from feed_service.model import Entry, Relation, merge, unpack

_FOLLOWING_PAGE = 10_000
_AUTHORS_AT_ONCE = 1_000
_POSTS_AT_ONCE = 100


class GraphClient:
    def __init__(self, stub: GraphServiceStub) -> None:
        self._stub = stub

    async def relations(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, Relation]:
        """At most 200 ids."""
        request = BatchGetRelationshipsRequest(viewer_id=viewer_id, ids=ids)
        answer = await self._stub.BatchGetRelationships(request)
        return {
            one.id: Relation(one.following, one.muting, one.blocking or one.blocked_by) for one in answer.relationships
        }

    async def following(self, user_id: int) -> Sequence[int]:
        found: list[int] = []
        after = 0
        while True:
            page = await self._stub.PackFollowing(
                PackFollowingRequest(user_id=user_id, after_id=after, page_size=_FOLLOWING_PAGE)
            )
            found += unpack(page.ids)
            after = page.next_after_id
            if not after:
                return found

    async def followers(self, author_id: int) -> int:
        answer = await self._stub.BatchGetCounts(BatchGetCountsRequest(ids=[author_id]))
        return sum(counts.followers for counts in answer.counts)

    async def follower_page(self, author_id: int, after: int, size: int) -> tuple[bytes, int]:
        page = await self._stub.PackFollowers(PackFollowersRequest(user_id=author_id, after_id=after, page_size=size))
        return page.ids, page.next_after_id


class PostClient:
    def __init__(self, stub: PostServiceStub) -> None:
        self._stub = stub

    async def newest(self, author_ids: Sequence[int], before: int, limit: int) -> Sequence[Entry]:
        """Any number of authors, any limit."""
        found: list[Entry] = []
        while len(found) < limit:
            size = min(limit - len(found), _POSTS_AT_ONCE)
            page = await self._page(author_ids, found[-1].post_id if found else before, size)
            found += page
            if len(page) < size:
                break
        return found

    async def visible(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, Post]:
        """At most 200 ids."""
        answer = await self._stub.BatchGetPosts(BatchGetPostsRequest(viewer_id=viewer_id, ids=ids))
        return {post.id: post for post in answer.posts}

    async def _page(self, author_ids: Sequence[int], before: int, size: int) -> Sequence[Entry]:
        groups = [author_ids[start : start + _AUTHORS_AT_ONCE] for start in range(0, len(author_ids), _AUTHORS_AT_ONCE)]
        return merge(await asyncio.gather(*(self._of_group(group, before, size) for group in groups)), size)

    async def _of_group(self, author_ids: Sequence[int], before: int, size: int) -> Sequence[Entry]:
        answer = await self._stub.ListPostIds(
            ListPostIdsRequest(author_ids=author_ids, before_id=before, page_size=size)
        )
        return [Entry(post.post_id, post.author_id) for post in answer.posts]
