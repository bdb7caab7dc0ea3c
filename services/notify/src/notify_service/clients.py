"""Calls to the owners of what notifications are about, and of who wants them: user, graph and post."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence

from heliograph.graph.v1.graph_pb2 import BatchGetRelationshipsRequest
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub
from heliograph.post.v1.post_pb2 import BatchGetCommentsRequest, BatchGetPostsRequest, Comment, Post
from heliograph.post.v1.post_pb2_grpc import PostServiceStub
from heliograph.user.v1.settings_pb2 import BatchGetNotificationSettingsRequest, NotificationSettings
from heliograph.user.v1.settings_pb2_grpc import SettingsServiceStub
from heliograph.user.v1.user_pb2 import ACCOUNT_STATE_ACTIVE, BatchGetProfilesRequest, Profile
from heliograph.user.v1.user_pb2_grpc import UserServiceStub

from notify_service.model import Kind, NotifyOf, Wishes

MAX_IDS = 200
"""The most that a batch call of a peer takes."""
KEPT_SECONDS = 2.0
_MOST_KEPT = 20_000


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


class Preferences:
    """What accounts want to hear of. An answer is kept for some seconds: whoever is liked much is asked about once."""

    def __init__(
        self, settings: SettingsServiceStub, graph: GraphServiceStub, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._settings, self._graph, self._now = settings, graph, now
        self._kept: dict[int, tuple[float, Wishes]] = {}

    async def wishes(self, ids: Sequence[int]) -> Mapping[int, Wishes]:
        now = self._now()
        found = {each: kept[1] for each in ids if (kept := self._kept.get(each)) and kept[0] > now}
        asked: dict[int, Wishes] = {}
        for batch in _batches([each for each in ids if each not in found]):
            answer = await self._settings.BatchGetNotificationSettings(BatchGetNotificationSettingsRequest(ids=batch))
            asked |= {each: wishes_of(answer.settings[each]) if each in answer.settings else {} for each in batch}
        if len(self._kept) > _MOST_KEPT:
            self._kept.clear()
        self._kept |= {each: (now + KEPT_SECONDS, wishes) for each, wishes in asked.items()}
        return found | asked

    async def followed(self, user_id: int, ids: Sequence[int]) -> Collection[int]:
        found: set[int] = set()
        for batch in _batches(ids):
            request = BatchGetRelationshipsRequest(viewer_id=user_id, ids=batch)
            answer = await self._graph.BatchGetRelationships(request)
            found |= {relation.id for relation in answer.relationships if relation.following}
        return found


def wishes_of(message: NotificationSettings) -> Wishes:
    """Without what counts as everyone: the unspecified, and values of newer services."""
    fields = {kind: kind.name.lower() for kind in Kind if kind.name.lower() in message.DESCRIPTOR.fields_by_name}
    told = {kind: getattr(message, name) for kind, name in fields.items()}
    return {kind: NotifyOf(value) for kind, value in told.items() if value in (NotifyOf.FOLLOWING, NotifyOf.NOBODY)}


def _batches(ids: Sequence[int]) -> list[Sequence[int]]:
    return [ids[start : start + MAX_IDS] for start in range(0, len(ids), MAX_IDS)]
