"""Who follows, blocks and mutes whom."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from fastapi import Query, Response
from heliograph.graph.v1 import graph_pb2
from kit.proto import timestamp

from gateway import render
from gateway.here import HereDep, answer
from gateway.pages import PageDep
from gateway.people import active_by_ids, listed
from gateway.routes.users import read_ids
from gateway.routing import Policy, Routes
from gateway.schemas import answers, lists
from gateway.schemas.graph import Mute
from gateway.schemas.requests import Id

routes = Routes("Graph")

_FOLLOW = Policy(scope="follow")
_FOR_GOOD = Mute()
Edges = Sequence[graph_pb2.Edge]


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
    return _answer(await here.services.graph.Follow(asked))


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
    return _answer(await here.services.graph.Unfollow(asked))


@routes.add(
    "PUT /v1/users/{user_id}/block",
    "blockUser",
    "Block; cuts the follows of both directions",
    answers.Relationship,
    problems=(404,),
    policy=_FOLLOW,
)
async def block(here: HereDep, user_id: Id) -> Response:
    asked = graph_pb2.BlockRequest(viewer_id=here.viewer.id, user_id=user_id)
    return _answer(await here.services.graph.Block(asked))


@routes.add(
    "DELETE /v1/users/{user_id}/block",
    "unblockUser",
    "Unblock",
    answers.Relationship,
    problems=(404,),
    policy=_FOLLOW,
)
async def unblock(here: HereDep, user_id: Id) -> Response:
    asked = graph_pb2.UnblockRequest(viewer_id=here.viewer.id, user_id=user_id)
    return _answer(await here.services.graph.Unblock(asked))


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
    return _answer(await here.services.graph.Mute(asked))


@routes.add(
    "DELETE /v1/users/{user_id}/mute", "unmuteUser", "Unmute", answers.Relationship, problems=(404,), policy=_FOLLOW
)
async def unmute(here: HereDep, user_id: Id) -> Response:
    asked = graph_pb2.UnmuteRequest(viewer_id=here.viewer.id, user_id=user_id)
    return _answer(await here.services.graph.Unmute(asked))


@routes.add(
    "GET /v1/relationships",
    "listRelationships",
    "How one stands to each of these accounts",
    lists.Relationships,
)
async def relationships(
    here: HereDep, asked: Annotated[list[str], Query(alias="ids", description="Comma separated, at most 100")]
) -> Response:
    wanted = read_ids(asked)
    items: list[answers.Relationship] = []
    if wanted:
        found = await here.services.graph.BatchGetRelationships(
            graph_pb2.BatchGetRelationshipsRequest(viewer_id=here.viewer.id, ids=wanted)
        )
        items = [render.relationship(item) for item in found.relationships]
    return answer(lists.Relationships(items, None))


@routes.add(
    "GET /v1/users/{user_id}/followers", "listFollowers", "Followers, newest first", lists.Users, problems=(404,)
)
async def followers(page: PageDep, user_id: Id) -> Response:
    def asked(size: int, token: str) -> graph_pb2.ListFollowersRequest:
        return graph_pb2.ListFollowersRequest(
            viewer_id=page.here.viewer.id, user_id=user_id, page_size=size, page_token=token
        )

    return await listed(page, _edges(page.here.services.graph.ListFollowers, asked))


@routes.add(
    "GET /v1/users/{user_id}/following",
    "listFollowing",
    "Accounts followed, newest first",
    lists.Users,
    problems=(404,),
)
async def following(page: PageDep, user_id: Id) -> Response:
    def asked(size: int, token: str) -> graph_pb2.ListFollowingRequest:
        return graph_pb2.ListFollowingRequest(
            viewer_id=page.here.viewer.id, user_id=user_id, page_size=size, page_token=token
        )

    return await listed(page, _edges(page.here.services.graph.ListFollowing, asked))


@routes.add(
    "DELETE /v1/me/followers/{user_id}",
    "removeFollower",
    "Make somebody stop following",
    answers.Relationship,
    problems=(404,),
    policy=_FOLLOW,
)
async def remove_follower(here: HereDep, user_id: Id) -> Response:
    asked = graph_pb2.RemoveFollowerRequest(viewer_id=here.viewer.id, user_id=user_id)
    return _answer(await here.services.graph.RemoveFollower(asked))


@routes.add("GET /v1/me/follow-requests", "listFollowRequests", "Who asks to follow, newest first", lists.Users)
async def follow_requests(page: PageDep) -> Response:
    def asked(size: int, token: str) -> graph_pb2.ListFollowRequestsRequest:
        return graph_pb2.ListFollowRequestsRequest(viewer_id=page.here.viewer.id, page_size=size, page_token=token)

    return await listed(page, _edges(page.here.services.graph.ListFollowRequests, asked))


@routes.add(
    "PUT /v1/me/follow-requests/{user_id}/accept",
    "acceptFollowRequest",
    "Let somebody follow",
    answers.Relationship,
    problems=(404,),
    policy=_FOLLOW,
)
async def accept(here: HereDep, user_id: Id) -> Response:
    asked = graph_pb2.AcceptFollowRequestRequest(viewer_id=here.viewer.id, user_id=user_id)
    return _answer(await here.services.graph.AcceptFollowRequest(asked))


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


@routes.add("GET /v1/me/blocks", "listBlocks", "Whom one blocks, newest first", lists.Users)
async def blocks(page: PageDep) -> Response:
    def asked(size: int, token: str) -> graph_pb2.ListBlocksRequest:
        return graph_pb2.ListBlocksRequest(viewer_id=page.here.viewer.id, page_size=size, page_token=token)

    return await listed(page, _edges(page.here.services.graph.ListBlocks, asked), active_by_ids)


@routes.add(
    "PUT /v1/me/close-friends/{user_id}",
    "addCloseFriend",
    "Count somebody among one's close friends; they are not told",
    answers.Relationship,
    problems=(404,),
    policy=_FOLLOW,
)
async def add_close_friend(here: HereDep, user_id: Id) -> Response:
    asked = graph_pb2.AddCloseFriendRequest(viewer_id=here.viewer.id, user_id=user_id)
    return _answer(await here.services.graph.AddCloseFriend(asked))


@routes.add(
    "DELETE /v1/me/close-friends/{user_id}",
    "removeCloseFriend",
    "Count somebody among one's close friends no more",
    answers.Relationship,
    problems=(404,),
    policy=_FOLLOW,
)
async def remove_close_friend(here: HereDep, user_id: Id) -> Response:
    asked = graph_pb2.RemoveCloseFriendRequest(viewer_id=here.viewer.id, user_id=user_id)
    return _answer(await here.services.graph.RemoveCloseFriend(asked))


@routes.add("GET /v1/me/close-friends", "listCloseFriends", "One's close friends, newest first", lists.Users)
async def close_friends(page: PageDep) -> Response:
    def asked(size: int, token: str) -> graph_pb2.ListCloseFriendsRequest:
        return graph_pb2.ListCloseFriendsRequest(viewer_id=page.here.viewer.id, page_size=size, page_token=token)

    return await listed(page, _edges(page.here.services.graph.ListCloseFriends, asked))


@routes.add("GET /v1/me/mutes", "listMutes", "Whom one mutes, newest first", lists.Users)
async def mutes(page: PageDep) -> Response:
    def asked(size: int, token: str) -> graph_pb2.ListMutesRequest:
        return graph_pb2.ListMutesRequest(viewer_id=page.here.viewer.id, page_size=size, page_token=token)

    return await listed(page, _edges(page.here.services.graph.ListMutes, asked))


def _edges(
    call: Callable[[Any], Awaitable[Any]], asked: Callable[[int, str], Any]
) -> Callable[[int, str], Awaitable[tuple[Edges, str]]]:
    async def fetch(size: int, token: str) -> tuple[Edges, str]:
        found = await call(asked(size, token))
        return found.edges, found.next_page_token

    return fetch


def _answer(changed: Any) -> Response:
    """Each of these RPCs answers with the relationship as it is now."""
    return answer(render.relationship(changed.relationship))
