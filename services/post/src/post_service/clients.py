"""Calls to the user and graph services, as service.peers names them."""

import asyncio
from collections import OrderedDict
from collections.abc import Iterator, Sequence

import grpc
from heliograph.graph.v1 import graph_pb2, graph_pb2_grpc
from heliograph.user.v1 import user_pb2, user_pb2_grpc
from kit.proto import datetime_of

from post_service.model.visibility import AccountState, AllowedBy, Profile, Relation

_BATCH = 200
_KNOWN_MAX = 10_000


class UserClient:
    """`profiles` is a channel for the calls that every read makes: kit.many's, where there are many reads."""

    def __init__(self, channel: grpc.aio.Channel, profiles: grpc.aio.Channel | None = None) -> None:
        self._stub = user_pb2_grpc.UserServiceStub(channel)
        self._profiles = user_pb2_grpc.UserServiceStub(profiles or channel)
        self._known: OrderedDict[int, Profile] = OrderedDict()

    async def profiles(self, ids: Sequence[int]) -> dict[int, Profile]:
        asked = [user_pb2.BatchGetProfilesRequest(ids=part) for part in _parts(ids)]
        answers = await asyncio.gather(*(self._profiles.BatchGetProfiles(request) for request in asked))
        return {profile.id: self._profile(profile) for answer in answers for profile in answer.profiles}

    def _profile(self, message: user_pb2.Profile) -> Profile:
        """The one made before, if the service says that this version is the current one; 0 is none."""
        known = self._known.get(message.id)
        if known is None or not known.version or known.version != message.version:
            known = self._known[message.id] = profile_of(message)
            if len(self._known) > _KNOWN_MAX:
                self._known.popitem(last=False)
        return known

    async def published(self) -> None:
        await self._stub.AwaitPublished(user_pb2.AwaitPublishedRequest())

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
