"""Addresses, passwords, usernames: what the user service is asked, and that nothing tells whether an account exists."""

import base64
import hashlib
import re
from typing import Any

import pytest
import pytest_asyncio
from gateway_world import ADA, Client, Refused, World
from heliograph.graph.v1 import graph_pb2
from heliograph.user.v1 import credentials_pb2 as pb
from heliograph.user.v1 import user_pb2
from kit.errors import AlreadyExists, FieldViolation, InvalidArgument, ResourceExhausted, Unauthenticated

WAYS = [
    ("/v1/accounts/verify-email", {"token": "t"}, 204, pb.VerifyEmailRequest),
    ("/v1/accounts/resend-verification", {"email": "ben@example.org"}, 202, pb.RequestVerificationRequest),
    ("/v1/password/forgot", {"email": "ben@example.org"}, 202, pb.ForgetPasswordRequest),
    ("/v1/password/reset", {"token": "t", "password": "correct horse"}, 204, pb.ResetPasswordRequest),
]
OWN = [
    ("/v1/me/email", {"email": "ben@example.org", "password": "correct horse"}, 202, pb.ChangeEmailRequest),
    ("/v1/me/password", {"current_password": "a", "new_password": "b"}, 204, pb.ChangePasswordRequest),
]


@pytest_asyncio.fixture
async def ada(world: World, app: Any) -> Client:
    """In a client of our own."""
    return await world.client(app, world.token(ADA, scope="read write follow push account"))


@pytest.mark.parametrize(("path", "body", "status", "kind"), WAYS)
async def test_who_is_not_logged_in_is_answered_without_a_word(
    anonymous: Client, world: World, path: str, body: dict[str, str], status: int, kind: Any
):
    response = await anonymous.post(path, json=body, headers={"User-Agent": "camera/1"})
    assert (response.status_code, response.content) == (status, b"")
    assert response.headers["cache-control"] == "no-store"
    assert world.credentials.asked(kind) == [kind(**body, address="203.0.113.7", user_agent="camera/1")]


@pytest.mark.parametrize(("path", "body", "status", "kind"), OWN)
async def test_owners_change_what_lets_them_in(
    ada: Client, world: World, ada_id: int, path: str, body: dict[str, str], status: int, kind: Any
):
    response = await ada.post(path, json=body, headers={"User-Agent": "camera/1"})
    assert (response.status_code, response.content) == (status, b"")
    (asked,) = world.credentials.asked(kind)
    assert asked.viewer_id == ada_id
    assert {name: getattr(asked, name) for name in body} == body
    assert (asked.address, asked.user_agent) == ("203.0.113.7", "camera/1")


async def test_a_changed_password_leaves_the_session_that_changed_it(ada: Client, world: World, ada_id: int):
    await ada.post("/v1/me/password", json={"current_password": "a", "new_password": "b"})
    assert world.credentials.asked(pb.ChangePasswordRequest)[0].session_id == ada_id + 1000


@pytest.mark.parametrize(("method", "path"), [("POST", way[0]) for way in OWN] + [("PUT", "/v1/me/username")])
async def test_no_app_changes_who_may_come_in(world: World, app: Any, refused: Refused, method: str, path: str):
    client = await world.client(app, world.token(scope="read write follow push"))
    refused(await client.request(method, path, json={}), 403, "INSUFFICIENT_SCOPE")


@pytest.mark.parametrize(("path", "body"), [(way[0], way[1]) for way in [*WAYS, *OWN]])
async def test_an_unknown_field_is_refused(ada: Client, refused: Refused, path: str, body: dict[str, str]):
    refused(await ada.post(path, json={**body, "more": "x"}), 422, "INVALID_FIELD")


async def test_what_the_service_refuses_is_told(ada: Client, anonymous: Client, world: World, refused: Refused):
    dead = InvalidArgument("BAD_TOKEN", "dead", fields=[FieldViolation("/token", "not valid")])
    world.credentials.answer("VerifyEmail", dead)
    world.credentials.answer("ResetPassword", dead)
    world.credentials.answer("ChangeEmail", Unauthenticated("BAD_CREDENTIALS", "wrong"))
    world.credentials.answer("ForgetPassword", ResourceExhausted("TOO_MANY_ATTEMPTS", "wait", retry_after=7))
    problem = refused(await anonymous.post("/v1/accounts/verify-email", json={"token": "t"}), 422, "BAD_TOKEN")
    assert problem["errors"] == [{"pointer": "/token", "reason": "not valid"}]
    reset = {"token": "t", "password": "correct horse"}
    refused(await anonymous.post("/v1/password/reset", json=reset), 422, "BAD_TOKEN")
    change = {"email": "ben@example.org", "password": "x"}
    refused(await ada.post("/v1/me/email", json=change), 401, "BAD_CREDENTIALS")
    limited = await anonymous.post("/v1/password/forgot", json={"email": "ben@example.org"})
    refused(limited, 429, "TOO_MANY_ATTEMPTS")
    assert limited.headers["retry-after"] == "7"


async def test_changing_the_username(ada: Client, world: World, refused: Refused):
    account = user_pb2.Account(profile=world.profile(9, "annabel"), email="anna@example.org")
    world.credentials.answer("ChangeUsername", pb.ChangeUsernameResponse(account=account))
    response = await ada.put("/v1/me/username", json={"username": "annabel"})
    assert (response.status_code, response.json()["username"]) == (200, "annabel")
    taken = AlreadyExists("USERNAME_TAKEN", "taken", fields=[FieldViolation("/username", "taken")])
    world.credentials.answer("ChangeUsername", taken)
    refused(await ada.put("/v1/me/username", json={"username": "annabel"}), 409, "USERNAME_TAKEN")


async def test_a_former_username_leads_to_the_profile(ada: Client, anonymous: Client, world: World, refused: Refused):
    found = user_pb2.GetProfileByUsernameResponse(profile=world.profile(9, "annabel"), moved=True)
    world.user.answer("GetProfileByUsername", found)
    response = await anonymous.get("/v1/users/anna")
    assert (response.status_code, response.headers["location"]) == (308, "/v1/users/annabel")
    assert response.headers["cache-control"] == "no-store"
    blocked = graph_pb2.BatchGetRelationshipsResponse(relationships=[graph_pb2.Relationship(id=9, blocked_by=True)])
    world.graph.answer("BatchGetRelationships", blocked)
    refused(await ada.get("/v1/users/anna"), 404, "USER_NOT_FOUND")


@pytest.mark.parametrize("path", ["/account/verify-email", "/account/reset-password"])
async def test_the_pages_of_letters_send_nothing_by_themselves(anonymous: Client, world: World, path: str):
    response = await anonymous.get(path)
    page, policy = response.text, response.headers["content-security-policy"]
    assert response.headers["content-type"].startswith("text/html")
    (script,) = re.findall("<script>(.*?)</script>", page, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}';" in policy
    assert "unsafe" not in policy
    assert not re.search(r'(src|href|action)="', page)
    assert not world.credentials.requests


async def test_the_same_key_changes_a_password_once(ada: Client, world: World):
    body, headers = {"current_password": "a", "new_password": "b"}, {"Idempotency-Key": "once"}
    answers = [await ada.post("/v1/me/password", json=body, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [204, 204]
    assert len(world.credentials.requests) == 1
