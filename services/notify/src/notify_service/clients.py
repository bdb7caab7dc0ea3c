"""Calls to the owners of what notifications are about: user, graph and post."""

import asyncio
from collections.abc import Mapping, Sequence

from heliograph.graph.v1.graph_pb2 import BatchGetRelationshipsRequest
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub
from heliograph.post.v1.post_pb2 import BatchGetCommentsRequest, BatchGetPostsRequest, Comment, Post
from heliograph.post.v1.post_pb2_grpc import PostServiceStub
from heliograph.user.v1.user_pb2 import ACCOUNT_STATE_ACTIVE, BatchGetProfilesRequest, Profile
from heliograph.user.v1.user_pb2_grpc import UserServiceStub

MAX_IDS = 200
"""The most that a batch call of a peer takes."""


class People:
    def __init__(self, users: UserServiceStub, graph: GraphServiceStub) -> None:
        self._users = users
        self._graph = graph

    async def people(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, Profile]:
        """Active accounts without a block between them and the viewer."""
        found: dict[int, Profile] = {}
        for batch in _batches(ids):
            profiles, relations = await asyncio.gather(
                self._users.BatchGetProfiles(BatchGetProfilesRequest(ids=batch)),
                self._graph.BatchGetRelationships(BatchGetRelationshipsRequest(viewer_id=viewer_id, ids=batch)),
            )
            blocked = {r.id for r in relations.relationships if r.blocking or r.blocked_by}
            active = (p for p in profiles.profiles if p.state == ACCOUNT_STATE_ACTIVE)
            found.update({profile.id: profile for profile in active if profile.id not in blocked})
        return found


class Posts:
    def __init__(self, stub: PostServiceStub) -> None:
        self._stub = stub

    async def posts(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, Post]:
        """Posts that the viewer may see."""
        found: dict[int, Post] = {}
        for batch in _batches(ids):
            answer = await self._stub.BatchGetPosts(BatchGetPostsRequest(viewer_id=viewer_id, ids=batch))
            found.update({post.id: post for post in answer.posts})
        return found

    async def comments(self, viewer_id: int, ids: Sequence[int]) -> Mapping[int, Comment]:
        """Comments that the viewer may see."""
        found: dict[int, Comment] = {}
        for batch in _batches(ids):
            answer = await self._stub.BatchGetComments(BatchGetCommentsRequest(viewer_id=viewer_id, ids=batch))
            found.update({comment.id: comment for comment in answer.comments})
        return found


def _batches(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + MAX_IDS] for start in range(0, len(ids), MAX_IDS)]
