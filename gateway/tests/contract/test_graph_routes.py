"""Who follows whom: what the services are asked, and what is made of their answers."""

from typing import Any

import pytest
from gateway_world import Client, Refused, World
from google.protobuf.timestamp_pb2 import Timestamp
from heliograph.graph.v1 import graph_pb2
from heliograph.user.v1 import user_pb2
from kit.errors import FieldViolation, InvalidArgument, NotFound

USER = {"id": "9", "username": "ben", "name": "Ben", "avatar_url": None, "avatar": None, "private_account": False}
FLAGS = ("following", "requested", "followed_by", "blocking", "muting", "close_friend")
HALF_PAST = Timestamp(seconds=1782070200, nanos=500_000_000)
UNRELATED = {**dict.fromkeys(FLAGS, False), "muted_until": None}


@pytest.mark.parametrize(
    ("method", "path", "rpc"),
    [
        ("PUT", "/v1/users/9/follow", "Follow"),
        ("DELETE", "/v1/users/9/follow", "Unfollow"),
        ("PUT", "/v1/users/9/block", "Block"),
        ("DELETE", "/v1/users/9/block", "Unblock"),
        ("PUT", "/v1/users/9/mute", "Mute"),
        ("DELETE", "/v1/users/9/mute", "Unmute"),
        ("PUT", "/v1/me/close-friends/9", "AddCloseFriend"),
        ("DELETE", "/v1/me/close-friends/9", "RemoveCloseFriend"),
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
        ("/v1/me/close-friends", "ListCloseFriends"),
    ],
)
async def test_lists_of_people(ada: Client, world: World, path: str, rpc: str):
    world.knows(world.profile(9, "ben"))
    response: Any = getattr(graph_pb2, f"{rpc}Response")(edges=[graph_pb2.Edge(user_id=9)], next_page_token="t")
    world.graph.answer(rpc, lambda request: response if not request.page_token else type(response)())
    found = (await ada.get(f"{path}?limit=1")).json()
    assert found["items"] == [USER]
    assert found["next"]


@pytest.mark.parametrize(
    ("body", "asked"),
    [
        (None, graph_pb2.MuteRequest()),
        ({}, graph_pb2.MuteRequest()),
        ({"seconds": 60}, graph_pb2.MuteRequest(seconds=60)),
        ({"seconds": 0}, graph_pb2.MuteRequest(seconds=0)),
        ({"until": "2026-06-21T21:30:00.5+02:00"}, graph_pb2.MuteRequest(until=HALF_PAST)),
        ({"until": None}, graph_pb2.MuteRequest()),
    ],
)
async def test_a_mute_may_have_an_end(
    ada: Client, world: World, ada_id: int, body: object, asked: graph_pb2.MuteRequest
):
    relation = graph_pb2.Relationship(id=9, muting=True, muted_until=Timestamp(seconds=1782070200))
    world.graph.answer("Mute", graph_pb2.MuteResponse(relationship=relation))

    answer = await (ada.put("/v1/users/9/mute") if body is None else ada.put("/v1/users/9/mute", json=body))

    shown = {"id": "9", **UNRELATED, "muting": True, "muted_until": "2026-06-21T19:30:00.000Z"}
    assert (answer.status_code, answer.json()) == (200, shown)
    asked.viewer_id, asked.user_id = ada_id, 9
    assert world.graph.asked(graph_pb2.MuteRequest)[-1] == asked


@pytest.mark.parametrize(
    "body",
    [
        {"seconds": -1},
        {"seconds": "60"},
        {"seconds": 1.5},
        {"seconds": 1 << 63},
        {"until": "2026-06-21"},
        {"until": "2026-06-21T19:30:00"},
        {"until": "2026-13-21T19:30:00Z"},
        {"until": "0001-01-01T00:00:00+14:00"},
        {"until": "9999-12-31T23:59:59-14:00"},
        {"until": 1782070200},
        {"seconds": 60, "until": "2026-06-21T19:30:00Z"},
        {"hours": 1},
        [],
    ],
)
async def test_an_end_that_is_none_is_refused(ada: Client, world: World, refused: Refused, body: object):
    problem = refused(await ada.put("/v1/users/9/mute", json=body), 422, "INVALID_FIELD")
    assert problem["errors"]
    assert not world.graph.asked(graph_pb2.MuteRequest)


async def test_what_the_service_says_of_an_end_is_told(ada: Client, world: World, refused: Refused):
    violation = FieldViolation("/seconds", "from 1")
    world.graph.answer("Mute", InvalidArgument("INVALID_FIELD", "not then", fields=[violation]))
    problem = refused(await ada.put("/v1/users/9/mute", json={"seconds": 0}), 422, "INVALID_FIELD")
    assert problem["errors"] == [{"pointer": "/seconds", "reason": "from 1"}]


async def test_a_mute_whose_body_is_not_json_is_refused(ada: Client, refused: Refused):
    refused(await ada.put("/v1/users/9/mute", content=b"seconds=60"), 415, "UNSUPPORTED_MEDIA_TYPE")


async def test_whom_one_blocks_one_finds_although_they_block_one_too(ada: Client, world: World):
    world.knows(world.profile(9, "ben"), world.profile(8, "cid", state=user_pb2.ACCOUNT_STATE_SUSPENDED))
    edges = [graph_pb2.Edge(user_id=9), graph_pb2.Edge(user_id=8)]
    world.graph.answer("ListBlocks", graph_pb2.ListBlocksResponse(edges=edges))
    both = graph_pb2.Relationship(id=9, blocking=True, blocked_by=True)
    world.graph.answer("BatchGetRelationships", graph_pb2.BatchGetRelationshipsResponse(relationships=[both]))

    assert (await ada.get("/v1/me/blocks")).json()["items"] == [USER]


async def test_suggestions_name_some_who_follow_them_and_keep_their_order(ada: Client, world: World, ada_id: int):
    world.knows(*(world.profile(number, name) for number, name in ((9, "ben"), (4, "dan"), (5, "eve"))))
    suggested = [
        graph_pb2.Suggestion(user_id=9, mutual=7, mutual_ids=[5, 6, 4]),
        graph_pb2.Suggestion(user_id=6, mutual=2, mutual_ids=[5]),
        graph_pb2.Suggestion(user_id=4, mutual=1, mutual_ids=[5]),
    ]
    world.graph.answer("ListSuggestions", graph_pb2.ListSuggestionsResponse(suggestions=suggested))

    found = (await ada.get("/v1/me/suggestions?limit=3")).json()

    shown = [
        (item["user"]["username"], [one["username"] for one in item["mutual"]], item["mutual_count"])
        for item in found["items"]
    ]
    assert shown == [("ben", ["eve", "dan"], 7), ("dan", ["eve"], 1)]
    assert found["next"] is None
    asked = world.graph.asked(graph_pb2.ListSuggestionsRequest)[-1]
    assert (asked.viewer_id, asked.page_size) == (ada_id, 3)


async def test_a_suggestion_can_be_dismissed(ada: Client, world: World, ada_id: int, refused: Refused):
    answer = await ada.delete("/v1/me/suggestions/9")
    assert (answer.status_code, answer.content) == (204, b"")
    asked = world.graph.asked(graph_pb2.DismissSuggestionRequest)[-1]
    assert (asked.viewer_id, asked.user_id) == (ada_id, 9)

    world.graph.answer("DismissSuggestion", NotFound("USER_NOT_FOUND", "there is no such user"))
    refused(await ada.delete("/v1/me/suggestions/9"), 404, "USER_NOT_FOUND")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/me/suggestions"),
        ("DELETE", "/v1/me/suggestions/9"),
        ("GET", "/v1/me/close-friends"),
        ("PUT", "/v1/me/close-friends/9"),
        ("DELETE", "/v1/me/close-friends/9"),
    ],
)
async def test_nobody_is_asked_for_who_has_not_logged_in(anonymous: Client, refused: Refused, method: str, path: str):
    refused(await anonymous.request(method, path), 401, "AUTHENTICATION_REQUIRED")
