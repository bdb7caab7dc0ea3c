"""Accounts, sessions and profiles: what the services are asked, and what is made of their answers."""

import pytest
from gateway_world import Client, Refused, World
from heliograph.graph.v1 import graph_pb2
from heliograph.post.v1 import post_pb2
from heliograph.user.v1 import user_pb2
from kit.errors import Unavailable

TIME = "2026-06-21T19:30:00.123Z"
USER = {"id": "9", "username": "ben", "name": "Ben", "avatar_url": None, "avatar": None, "private_account": False}


async def test_registering(anonymous: Client, world: World):
    profile = world.profile(9, "ben")
    account = user_pb2.Account(profile=profile, email="ben@example.org")
    world.user.answer("RegisterAccount", user_pb2.RegisterAccountResponse(account=account))
    body = {"username": "ben", "email": "ben@example.org", "password": "correct horse", "name": "Ben"}
    response = await anonymous.post("/v1/accounts", json=body)
    assert response.status_code == 201
    answer = response.json()
    assert (answer["id"], answer["username"], answer["name"]) == ("9", "ben", "Ben")
    assert (answer["email"], answer["email_verified"]) == ("ben@example.org", False)
    assert answer["counts"] == {"posts": 0, "followers": 0, "following": 0}
    asked = world.user.asked(user_pb2.RegisterAccountRequest)[0]
    assert (asked.username, asked.email, asked.password, asked.name) == tuple(body.values())
    assert len(asked.request_id) == 36


async def test_changing_the_profile_names_what_changes(ada: Client, world: World):
    account = user_pb2.Account(profile=world.profile(9, "ben", bio="x"), etag="e")
    world.user.answer("UpdateAccount", user_pb2.UpdateAccountResponse(account=account))
    response = await ada.patch("/v1/me", json={"bio": "x", "website": ""})
    assert response.json()["bio"] == "x"
    asked = world.user.asked(user_pb2.UpdateAccountRequest)[0]
    assert list(asked.update_mask.paths) == ["bio", "website"]
    assert asked.profile == user_pb2.Profile(bio="x")


async def test_a_profile_has_counts_of_two_services(anonymous: Client, world: World):
    world.knows(world.profile(9, "ben", avatar_key="public/k3y"))
    counts = graph_pb2.Counts(id=9, followers=3, following=4)
    world.graph.answer("BatchGetCounts", graph_pb2.BatchGetCountsResponse(counts=[counts]))
    world.post.answer("BatchGetPostCounts", post_pb2.BatchGetPostCountsResponse(posts={9: 2}))
    answer = (await anonymous.get("/v1/users/ben")).json()
    assert answer["counts"] == {"posts": 2, "followers": 3, "following": 4}
    base = "http://media.test/media/p/k3y"
    assert answer["avatar_url"] == f"{base}/320.jpg"
    sizes = [{"size": n, "webp": f"{base}/{n}.webp", "jpeg": f"{base}/{n}.jpg"} for n in (640, 320, 150)]
    assert answer["avatar"] == {"variants": sizes}
    assert answer.keys() == {*USER, "bio", "website", "location", "pronouns", "counts", "created_at"}


async def test_a_profile_is_shown_while_counts_cannot_be_had(anonymous: Client, world: World):
    world.knows(world.profile(9, "ben"))
    world.graph.answer("BatchGetCounts", Unavailable("REDIS_UNAVAILABLE", "down"))
    response = await anonymous.get("/v1/users/ben")
    assert (response.status_code, response.json()["counts"]) == (200, None)


async def test_who_is_blocked_finds_no_profile(ada: Client, anonymous: Client, world: World, refused: Refused):
    world.knows(world.profile(9, "ben"))
    blocked = graph_pb2.BatchGetRelationshipsResponse(relationships=[graph_pb2.Relationship(id=9, blocked_by=True)])
    world.graph.answer("BatchGetRelationships", blocked)
    never = refused(await ada.get("/v1/users/nobody"), 404, "USER_NOT_FOUND")
    hidden = refused(await ada.get("/v1/users/ben"), 404, "USER_NOT_FOUND")
    assert {**never, "instance": "", "trace_id": ""} == {**hidden, "instance": "", "trace_id": ""}
    assert (await ada.get("/v1/users?ids=9")).json()["items"] == []
    assert (await anonymous.get("/v1/users/ben")).status_code == 200


@pytest.mark.parametrize("state", [user_pb2.ACCOUNT_STATE_SUSPENDED, user_pb2.ACCOUNT_STATE_DELETED])
async def test_an_account_that_is_not_active_is_not_found(
    anonymous: Client, world: World, refused: Refused, state: user_pb2.AccountState.ValueType
):
    world.knows(world.profile(9, "ben", state=state))
    refused(await anonymous.get("/v1/users/ben"), 404, "USER_NOT_FOUND")


async def test_profiles_by_id_keep_the_order_asked(anonymous: Client, world: World):
    world.knows(*(world.profile(n, f"user{n}") for n in (1, 2, 3)))
    for query in ("ids=3,1,99,3", "ids=3&ids=1&ids=99"):
        items = (await anonymous.get(f"/v1/users?{query}")).json()["items"]
        assert [item["id"] for item in items] == ["3", "1"]


@pytest.mark.parametrize("query", ["", "ids=x", "ids=1,0", "ids=" + ",".join(map(str, range(1, 102)))])
async def test_ids_that_are_none_or_too_many_are_refused(anonymous: Client, refused: Refused, query: str):
    refused(await anonymous.get(f"/v1/users?{query}"), 422, "INVALID_FIELD")
