"""Lists of who follows, blocks and mutes whom. How that is changed is in routes/graph.py."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Annotated, Any

from fastapi import Query, Response
from heliograph.graph.v1 import graph_pb2

from gateway import render
from gateway.here import HereDep, answer
from gateway.pages import PageDep
from gateway.people import active_by_ids, listed
from gateway.routes.users import read_ids
from gateway.routing import Routes
from gateway.schemas import answers, lists
from gateway.schemas.requests import Id

routes = Routes("Graph")

Edges = Sequence[graph_pb2.Edge]


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


@routes.add("GET /v1/me/follow-requests", "listFollowRequests", "Who asks to follow, newest first", lists.Users)
async def follow_requests(page: PageDep) -> Response:
    def asked(size: int, token: str) -> graph_pb2.ListFollowRequestsRequest:
        return graph_pb2.ListFollowRequestsRequest(viewer_id=page.here.viewer.id, page_size=size, page_token=token)

    return await listed(page, _edges(page.here.services.graph.ListFollowRequests, asked))


@routes.add("GET /v1/me/blocks", "listBlocks", "Whom one blocks, newest first", lists.Users)
async def blocks(page: PageDep) -> Response:
    def asked(size: int, token: str) -> graph_pb2.ListBlocksRequest:
        return graph_pb2.ListBlocksRequest(viewer_id=page.here.viewer.id, page_size=size, page_token=token)

    return await listed(page, _edges(page.here.services.graph.ListBlocks, asked), active_by_ids)


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
