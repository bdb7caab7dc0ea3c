"""Following, blocking, muting, and whom one counts among one's close friends. Lists of them are in routes/relations.py.

Feeds show at once what was changed here: the feed service is told of each account that sees something else from now on.
Until it has heard it all, the feed of such an account costs more to read: so what changes nothing is not told, and what
changes how another account sees may be done to one account only so often.
"""

from typing import Any

from fastapi import Response
from heliograph.graph.v1 import graph_pb2
from kit.proto import timestamp

from gateway import render
from gateway.here import Here, HereDep, answer
from gateway.limits import RouteClass, Subject
from gateway.routing import Policy, Routes
from gateway.schemas import answers
from gateway.schemas.graph import Mute
from gateway.schemas.requests import Id

routes = Routes("Graph")

_FOLLOW = Policy(scope="follow")
_FOR_GOOD = Mute()


@routes.add(
    "PUT /v1/users/{user_id}/follow",
    "followUser",
    "Follow, or ask to follow a private account",
    answers.Relationship,
    problems=(404,),
    policy=_FOLLOW,
)
async def follow(here: HereDep, user_id: Id) -> Response:
    asked = graph_pb2.FollowRequest(viewer_id=here.viewer.id, user_id=user_id)
    changed = await here.services.graph.Follow(asked)
    if changed.changed:
        await here.notes.relations(here.viewer.id)
    return _answer(changed)


@routes.add(
    "DELETE /v1/users/{user_id}/follow",
    "unfollowUser",
    "Unfollow, or take a request back",
    answers.Relationship,
    problems=(404,),
    policy=_FOLLOW,
)
async def unfollow(here: HereDep, user_id: Id) -> Response:
    asked = graph_pb2.UnfollowRequest(viewer_id=here.viewer.id, user_id=user_id)
    changed = await here.services.graph.Unfollow(asked)
    if changed.changed:
        await here.notes.relations(here.viewer.id)
    return _answer(changed)


@routes.add(
    "PUT /v1/users/{user_id}/block",
    "blockUser",
    "Block; cuts the follows of both directions",
    answers.Relationship,
    problems=(404,),
    policy=_FOLLOW,
)
async def block(here: HereDep, user_id: Id) -> Response:
    await _may_again(here, user_id)
    asked = graph_pb2.BlockRequest(viewer_id=here.viewer.id, user_id=user_id)
    changed = await here.services.graph.Block(asked)
    if changed.changed:
        await here.notes.relations(here.viewer.id, user_id)
    return _answer(changed)


@routes.add(
    "DELETE /v1/users/{user_id}/block",
    "unblockUser",
    "Unblock",
    answers.Relationship,
    problems=(404,),
    policy=_FOLLOW,
)
async def unblock(here: HereDep, user_id: Id) -> Response:
    await _may_again(here, user_id)
    asked = graph_pb2.UnblockRequest(viewer_id=here.viewer.id, user_id=user_id)
    changed = await here.services.graph.Unblock(asked)
    if changed.changed:
        await here.notes.relations(here.viewer.id, user_id)
    return _answer(changed)


@routes.add(
    "PUT /v1/users/{user_id}/mute",
    "muteUser",
    "Mute, for good or until a time",
    answers.Relationship,
    problems=(404,),
    policy=Policy(scope="follow", json=True, bodiless=True),
)
async def mute(here: HereDep, user_id: Id, end: Mute = _FOR_GOOD) -> Response:
    asked = graph_pb2.MuteRequest(viewer_id=here.viewer.id, user_id=user_id)
    if end.seconds is not None:
        asked.seconds = end.seconds
    if end.until is not None:
        asked.until.CopyFrom(timestamp(end.until))
    changed = await here.services.graph.Mute(asked)
    if changed.changed:
        await here.notes.relations(here.viewer.id)
    return _answer(changed)


@routes.add(
    "DELETE /v1/users/{user_id}/mute", "unmuteUser", "Unmute", answers.Relationship, problems=(404,), policy=_FOLLOW
)
async def unmute(here: HereDep, user_id: Id) -> Response:
    asked = graph_pb2.UnmuteRequest(viewer_id=here.viewer.id, user_id=user_id)
    changed = await here.services.graph.Unmute(asked)
    if changed.changed:
        await here.notes.relations(here.viewer.id)
    return _answer(changed)


@routes.add(
    "DELETE /v1/me/followers/{user_id}",
    "removeFollower",
    "Make somebody stop following",
    answers.Relationship,
    problems=(404,),
    policy=_FOLLOW,
)
async def remove_follower(here: HereDep, user_id: Id) -> Response:
    await _may_again(here, user_id)
    asked = graph_pb2.RemoveFollowerRequest(viewer_id=here.viewer.id, user_id=user_id)
    changed = await here.services.graph.RemoveFollower(asked)
    if changed.changed:
        await here.notes.relations(user_id)
    return _answer(changed)


@routes.add(
    "PUT /v1/me/follow-requests/{user_id}/accept",
    "acceptFollowRequest",
    "Let somebody follow",
    answers.Relationship,
    problems=(404,),
    policy=_FOLLOW,
)
async def accept(here: HereDep, user_id: Id) -> Response:
    await _may_again(here, user_id)
    asked = graph_pb2.AcceptFollowRequestRequest(viewer_id=here.viewer.id, user_id=user_id)
    changed = await here.services.graph.AcceptFollowRequest(asked)
    if changed.changed:
        await here.notes.relations(user_id)
    return _answer(changed)


@routes.add(
    "PUT /v1/me/follow-requests/{user_id}/reject",
    "rejectFollowRequest",
    "Do not let somebody follow",
    answers.Relationship,
    problems=(404,),
    policy=_FOLLOW,
)
async def reject(here: HereDep, user_id: Id) -> Response:
    asked = graph_pb2.RejectFollowRequestRequest(viewer_id=here.viewer.id, user_id=user_id)
    return _answer(await here.services.graph.RejectFollowRequest(asked))


@routes.add(
    "PUT /v1/me/close-friends/{user_id}",
    "addCloseFriend",
    "Count somebody among one's close friends; they are not told",
    answers.Relationship,
    problems=(404,),
    policy=_FOLLOW,
)
async def add_close_friend(here: HereDep, user_id: Id) -> Response:
    await _may_again(here, user_id)
    asked = graph_pb2.AddCloseFriendRequest(viewer_id=here.viewer.id, user_id=user_id)
    changed = await here.services.graph.AddCloseFriend(asked)
    if changed.changed:
        await here.notes.relations(user_id)
    return _answer(changed)


@routes.add(
    "DELETE /v1/me/close-friends/{user_id}",
    "removeCloseFriend",
    "Count somebody among one's close friends no more",
    answers.Relationship,
    problems=(404,),
    policy=_FOLLOW,
)
async def remove_close_friend(here: HereDep, user_id: Id) -> Response:
    await _may_again(here, user_id)
    asked = graph_pb2.RemoveCloseFriendRequest(viewer_id=here.viewer.id, user_id=user_id)
    changed = await here.services.graph.RemoveCloseFriend(asked)
    if changed.changed:
        await here.notes.relations(user_id)
    return _answer(changed)


async def _may_again(here: Here, user_id: int) -> None:
    """Raises ResourceExhausted."""
    await here.spend(RouteClass.WRITE, {Subject.PAIR: f"{here.viewer.id}:{user_id}"})


def _answer(changed: Any) -> Response:
    """Each of these RPCs answers with the relationship as it is now."""
    return answer(render.relationship(changed.relationship))
