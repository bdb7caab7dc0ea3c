"""Calls to the user and graph services, as service.peers names them."""

import asyncio
from collections.abc import Iterator, Sequence

import grpc
from heliograph.graph.v1 import graph_pb2, graph_pb2_grpc
from heliograph.user.v1 import user_pb2, user_pb2_grpc
from kit.proto import datetime_of

from post_service.model.visibility import AccountState, AllowedBy, Profile, Relation

_BATCH = 200


class UserClient:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = user_pb2_grpc.UserServiceStub(channel)

    async def profiles(self, ids: Sequence[int]) -> dict[int, Profile]:
        asked = [user_pb2.BatchGetProfilesRequest(ids=part) for part in _parts(ids)]
        answers = await asyncio.gather(*(self._stub.BatchGetProfiles(request) for request in asked))
        return {profile.id: profile_of(profile) for answer in answers for profile in answer.profiles}

    async def resolve(self, usernames: Sequence[str]) -> dict[str, int]:
        if not usernames:
            return {}
        answer = await self._stub.ResolveUsernames(user_pb2.ResolveUsernamesRequest(usernames=usernames))
        return dict(answer.ids)


class GraphClient:
    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._stub = graph_pb2_grpc.GraphServiceStub(channel)

    async def relations(self, viewer_id: int, ids: Sequence[int]) -> dict[int, Relation]:
        asked = [graph_pb2.BatchGetRelationshipsRequest(viewer_id=viewer_id, ids=part) for part in _parts(ids)]
        answers = await asyncio.gather(*(self._stub.BatchGetRelationships(request) for request in asked))
        return {found.id: relation_of(found) for answer in answers for found in answer.relationships}


def profile_of(message: user_pb2.Profile) -> Profile:
    return Profile(
        id=message.id,
        username=message.username,
        name=message.name,
        bio=message.bio,
        website=message.website,
        location=message.location,
        pronouns=message.pronouns,
        avatar_key=message.avatar_key,
        private_account=message.private_account,
        state=AccountState(message.state),
        created_at=datetime_of(message.created_at),
        version=message.version,
        comments_from=_allowed(message.comments_from),
        mentions_from=_allowed(message.mentions_from),
        unlisted=message.unlisted,
    )


def relation_of(message: graph_pb2.Relationship) -> Relation:
    return Relation(
        following=message.following,
        blocked=message.blocking or message.blocked_by,
        close_friend=message.close_friend_of,
        followed_by=message.followed_by,
    )


def _allowed(value: int) -> AllowedBy:
    """Unspecified, or a value of a newer service, counts as the default."""
    return next((allowed for allowed in AllowedBy if allowed == value), AllowedBy.EVERYONE)


def _parts(ids: Sequence[int]) -> Iterator[Sequence[int]]:
    for start in range(0, len(ids), _BATCH):
        yield ids[start : start + _BATCH]
