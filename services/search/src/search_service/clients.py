"""Calls to the owners of what is searched: user, graph and post."""

from collections.abc import Mapping, Sequence

from heliograph.graph.v1.graph_pb2 import BatchGetRelationshipsRequest
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub
from heliograph.post.v1.post_pb2 import BatchGetPostsRequest, Post
from heliograph.post.v1.post_pb2_grpc import PostServiceStub
from heliograph.user.v1.user_pb2 import ACCOUNT_STATE_ACTIVE, BatchGetProfilesRequest, Profile
from heliograph.user.v1.user_pb2_grpc import UserServiceStub

from search_service.model import Author, Relation


class Users:
    def __init__(self, stub: UserServiceStub) -> None:
        self._stub = stub

    async def profiles(self, ids: Sequence[int]) -> Mapping[int, Profile]:
        """Active accounts by id; the others are left out."""
        answer = await self._stub.BatchGetProfiles(BatchGetProfilesRequest(ids=ids))
        return {profile.id: profile for profile in answer.profiles if profile.state == ACCOUNT_STATE_ACTIVE}

    async def author(self, author_id: int) -> Author:
        """Closed also when the account is gone."""
        answer = await self._stub.BatchGetProfiles(BatchGetProfilesRequest(ids=[author_id]))
        for profile in answer.profiles:
            is_open = profile.state == ACCOUNT_STATE_ACTIVE and not profile.private_account
            return Author(author_id, is_open, profile.version)
        return Author(author_id, open=False, version=0)


class Graph:
    def __init__(self, stub: GraphServiceStub) -> None:
        self._stub = stub

    async def relations(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, Relation]:
        request = BatchGetRelationshipsRequest(viewer_id=viewer_id, ids=ids)
        answer = await self._stub.BatchGetRelationships(request)
        return {found.id: Relation(found.blocking or found.blocked_by) for found in answer.relationships}


class Posts:
    def __init__(self, stub: PostServiceStub) -> None:
        self._stub = stub

    async def visible(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, Post]:
        """Posts that the viewer may see, by id."""
        answer = await self._stub.BatchGetPosts(BatchGetPostsRequest(viewer_id=viewer_id, ids=ids))
        return {post.id: post for post in answer.posts}
