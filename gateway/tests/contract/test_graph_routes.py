"""Who follows whom: what the services are asked, and what is made of their answers."""

from typing import Any

import pytest
from gateway_world import Client, World
from heliograph.graph.v1 import graph_pb2

USER = {"id": "9", "username": "ben", "name": "Ben", "avatar_url": None, "private_account": False}
UNRELATED = dict.fromkeys(("following", "requested", "followed_by", "blocking", "muting"), False)


@pytest.mark.parametrize(
    ("method", "path", "rpc"),
    [
        ("PUT", "/v1/users/9/follow", "Follow"),
        ("DELETE", "/v1/users/9/follow", "Unfollow"),
        ("PUT", "/v1/users/9/block", "Block"),
        ("DELETE", "/v1/users/9/block", "Unblock"),
        ("PUT", "/v1/users/9/mute", "Mute"),
        ("DELETE", "/v1/users/9/mute", "Unmute"),
        ("DELETE", "/v1/me/followers/9", "RemoveFollower"),
        ("PUT", "/v1/me/follow-requests/9/accept", "AcceptFollowRequest"),
        ("PUT", "/v1/me/follow-requests/9/reject", "RejectFollowRequest"),
    ],
)
async def test_changes_between_two_people(ada: Client, world: World, ada_id: int, method: str, path: str, rpc: str):
    relation = graph_pb2.Relationship(id=9, requested=True, blocked_by=True, close_friend_of=True)
    response: Any = getattr(graph_pb2, f"{rpc}Response")(relationship=relation)
    world.graph.answer(rpc, response)
    answer = await ada.request(method, path)
    assert (answer.status_code, answer.json()) == (200, {"id": "9", **UNRELATED, "requested": True})
    asked: Any = world.graph.requests[-1]
    assert type(asked).__name__ == f"{rpc}Request"
    assert (asked.viewer_id, asked.user_id) == (ada_id, 9)


async def test_relationships(ada: Client, world: World):
    relation = graph_pb2.Relationship(id=9, following=True)
    answer = graph_pb2.BatchGetRelationshipsResponse(relationships=[relation])
    world.graph.answer("BatchGetRelationships", answer)
    found = (await ada.get("/v1/relationships?ids=9")).json()
    assert found == {"items": [{"id": "9", **UNRELATED, "following": True}], "next": None}


@pytest.mark.parametrize(
    ("path", "rpc"),
    [
        ("/v1/users/5/followers", "ListFollowers"),
        ("/v1/users/5/following", "ListFollowing"),
        ("/v1/me/follow-requests", "ListFollowRequests"),
        ("/v1/me/blocks", "ListBlocks"),
        ("/v1/me/mutes", "ListMutes"),
    ],
)
async def test_lists_of_people(ada: Client, world: World, path: str, rpc: str):
    world.knows(world.profile(9, "ben"))
    response: Any = getattr(graph_pb2, f"{rpc}Response")(edges=[graph_pb2.Edge(user_id=9)], next_page_token="t")
    world.graph.answer(rpc, lambda request: response if not request.page_token else type(response)())
    found = (await ada.get(f"{path}?limit=1")).json()
    assert found["items"] == [USER]
    assert found["next"]
