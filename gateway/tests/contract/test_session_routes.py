"""Sessions: what the user service is asked, and what is made of its answers."""

import json
from typing import Any

import pytest
from gateway_world import ADA, Client, Refused, World
from google.protobuf.timestamp_pb2 import Timestamp
from heliograph.user.v1 import sign_in_pb2 as pb
from heliograph.user.v1 import user_pb2
from kit.errors import PermissionDenied, ResourceExhausted, Unauthenticated
from starlette.types import ASGIApp

TIME = "2026-06-21T19:30:00.123Z"
TOKENS = user_pb2.TokenPair(access_token="a", refresh_token="r", expires_in_seconds=900)
LOGGED_IN = {
    "access_token": "a",
    "refresh_token": "r",
    "token_type": "Bearer",
    "expires_in": 900,
    "device_token": "hgd_x",
}
DEVICE = {"device_name": "phone", "device_token": "hgd_old", "cancel_deletion": True}
ASSERTION: dict[str, Any] = {"id": "a2V5", "response": {}}
BODIES: dict[str, dict[str, Any]] = {
    "/v1/sessions": {"login": "ben", "password": "correct horse"},
    "/v1/sessions/second-factor": {"ticket": "hgt_x", "code": "123456"},
    "/v1/sessions/passkey": {"ticket": "hgt_x", "assertion": ASSERTION},
}
OWNERS = [
    ("GET", "/v1/sessions"),
    ("DELETE", "/v1/sessions"),
    ("DELETE", "/v1/sessions/current"),
    ("DELETE", "/v1/sessions/5"),
    ("GET", "/v1/me/security-events"),
]


@pytest.fixture
async def owner(world: World, app: ASGIApp) -> Client:
    """In a client of our own."""
    return await world.client(app, world.token(ADA, scope="read write follow push account"))


def time_of(text: str) -> Timestamp:
    moment = Timestamp()
    moment.FromJsonString(text)
    return moment


@pytest.mark.parametrize("path", BODIES)
async def test_each_way_in_answers_the_same(anonymous: Client, world: World, path: str):
    ben = world.profile(9, "ben")
    answer: dict[str, Any] = {"tokens": TOKENS, "profile": ben, "device_token": "hgd_x"}
    world.user.answer("CreateSession", user_pb2.CreateSessionResponse(**answer))
    world.sign_in.answer("FinishLogIn", pb.FinishLogInResponse(**answer))
    world.sign_in.answer("FinishPasskeyLogIn", pb.FinishPasskeyLogInResponse(**answer))
    response = await anonymous.post(path, json=BODIES[path] | DEVICE, headers={"User-Agent": "camera/1"})
    assert (response.status_code, response.json()) == (201, response.json() | LOGGED_IN)
    assert response.json()["user"]["id"] == "9"
    assert response.headers["cache-control"] == "no-store"
    asked: Any = (*world.user.requests, *world.sign_in.requests)[-1]
    told = asked.origin if world.sign_in.requests else asked
    assert (told.address, told.user_agent) == ("203.0.113.7", "camera/1")
    assert (told.device_name, told.device_token, asked.cancel_deletion) == ("phone", "hgd_old", True)


async def test_a_second_factor_that_is_due_brings_a_ticket_and_no_token(anonymous: Client, world: World):
    due = user_pb2.SecondFactor(
        ticket="hgt_x",
        methods=["totp", "passkey"],
        passkey_options_json=json.dumps({"challenge": "x"}),
        expires_at=time_of(TIME),
    )
    world.user.answer("CreateSession", user_pb2.CreateSessionResponse(second_factor=due))
    response = await anonymous.post("/v1/sessions", json=BODIES["/v1/sessions"])
    assert response.status_code == 202
    assert response.json() == {
        "second_factor": {
            "ticket": "hgt_x",
            "methods": ["totp", "passkey"],
            "passkey_options": {"challenge": "x"},
            "expires_at": TIME,
        }
    }


@pytest.mark.parametrize("proof", [{"code": "1"}, {"recovery_code": "2"}, {"assertion": ASSERTION}])
async def test_each_proof_goes_on_as_it_is(anonymous: Client, world: World, proof: dict[str, Any]):
    world.sign_in.answer("FinishLogIn", pb.FinishLogInResponse(tokens=TOKENS, profile=world.profile(9, "ben")))
    await anonymous.post("/v1/sessions/second-factor", json={"ticket": "hgt_x", **proof})
    (asked,) = world.sign_in.asked(pb.FinishLogInRequest)
    sent = {"code": asked.code, "recovery_code": asked.recovery_code, "assertion": asked.assertion_json}
    expected = {name: json.dumps(value) if isinstance(value, dict) else value for name, value in proof.items()}
    assert {name: value for name, value in sent.items() if value} == expected


async def test_a_log_in_by_passkey_begins_with_a_challenge(anonymous: Client, world: World):
    begun = pb.StartPasskeyLogInResponse(ticket="hgt_x", options_json='{"challenge": "x"}', expires_at=time_of(TIME))
    world.sign_in.answer("StartPasskeyLogIn", begun)
    response = await anonymous.post("/v1/sessions/passkey/options")
    expected = {"ticket": "hgt_x", "options": {"challenge": "x"}, "expires_at": TIME}
    assert (response.status_code, response.json()) == (201, expected)


@pytest.mark.parametrize("path", BODIES)
async def test_refusals_are_told_apart(anonymous: Client, world: World, refused: Refused, path: str):
    for error, status in (
        (Unauthenticated("BAD_CREDENTIALS", "wrong"), 401),
        (PermissionDenied("ACCOUNT_SUSPENDED", "suspended"), 403),
        (PermissionDenied("ACCOUNT_DELETION_PENDING", "the account will be erased after 2026-12-21T00:00:00Z"), 403),
        (ResourceExhausted("TOO_MANY_ATTEMPTS", "wait", retry_after=29.2), 429),
    ):
        world.user.answer("CreateSession", error)
        world.sign_in.answer("FinishLogIn", error)
        world.sign_in.answer("FinishPasskeyLogIn", error)
        response = await anonymous.post(path, json=BODIES[path])
        problem = refused(response, status, error.reason)
        assert problem["detail"] == error.message
        assert response.headers.get("retry-after") == ("30" if status == 429 else None)


async def test_refreshing(anonymous: Client, world: World):
    tokens = user_pb2.TokenPair(access_token="a2", refresh_token="r2", expires_in_seconds=900)
    world.user.answer("RefreshSession", user_pb2.RefreshSessionResponse(tokens=tokens))
    response = await anonymous.post("/v1/sessions/refresh", json={"refresh_token": "r"})
    assert (response.status_code, response.json()["refresh_token"]) == (200, "r2")
    assert world.user.asked(user_pb2.RefreshSessionRequest)[0].refresh_token == "r"


async def test_the_list_of_sessions(owner: Client, world: World, ada_id: int):
    session = user_pb2.Session(
        id=5, device_name="phone", user_agent="camera/1", address="192.0.2.1", created_at=time_of(TIME), current=True
    )
    world.user.answer("ListSessions", user_pb2.ListSessionsResponse(sessions=[session]))
    assert (await owner.get("/v1/sessions")).json()["items"] == [
        {
            "id": "5",
            "device_name": "phone",
            "user_agent": "camera/1",
            "address": "192.0.2.1",
            "created_at": TIME,
            "last_used_at": None,
            "current": True,
        }
    ]
    assert world.user.asked(user_pb2.ListSessionsRequest)[0].current_session_id == ada_id + 1000


@pytest.mark.parametrize(("session", "asked_for"), [("5", 5), ("current", ADA + 1000)])
async def test_ending_one_session(owner: Client, world: World, session: str, asked_for: int):
    assert (await owner.delete(f"/v1/sessions/{session}")).status_code == 204
    assert world.user.asked(user_pb2.RevokeSessionRequest)[0].session_id == asked_for


@pytest.mark.parametrize(("query", "kept"), [("", ADA + 1000), ("?current=false", ADA + 1000), ("?current=true", 0)])
async def test_ending_all_others(owner: Client, world: World, query: str, kept: int):
    world.sign_in.answer("RevokeOtherSessions", pb.RevokeOtherSessionsResponse(session_ids=[5, 6]))
    assert (await owner.delete(f"/v1/sessions{query}")).status_code == 204
    (asked,) = world.sign_in.asked(pb.RevokeOtherSessionsRequest)
    assert (asked.viewer_id, asked.keep_session_id) == (ADA, kept)


async def test_a_session_that_this_gateway_ended_is_over_here_at_once(owner: Client, world: World, refused: Refused):
    own = ADA + 1000
    world.sign_in.answer("RevokeOtherSessions", pb.RevokeOtherSessionsResponse(session_ids=[own]))
    await owner.delete("/v1/sessions?current=true")
    refused(await owner.get("/v1/sessions"), 401, "SESSION_REVOKED")


async def test_security_events(owner: Client, world: World):
    event = pb.SecurityEvent(
        id=7, kind="log_in_failed", address="192.0.2.1", details={"attempts": "3"}, created_at=time_of(TIME)
    )
    world.sign_in.answer("ListSecurityEvents", pb.ListSecurityEventsResponse(events=[event], next_page_token="7"))
    answer = (await owner.get("/v1/me/security-events?limit=1")).json()
    assert answer["items"] == [
        {
            "id": "7",
            "kind": "log_in_failed",
            "address": "192.0.2.1",
            "user_agent": "",
            "session_id": None,
            "details": {"attempts": "3"},
            "created_at": TIME,
        }
    ]
    assert answer["next"]
    await owner.get(f"/v1/me/security-events?limit=1&cursor={answer['next']}")
    assert [asked.page_token for asked in world.sign_in.asked(pb.ListSecurityEventsRequest)] == ["", "7"]


@pytest.mark.parametrize(("method", "path"), OWNERS)
async def test_no_app_and_nobody_else_sees_or_ends_sessions(
    ada: Client, anonymous: Client, world: World, refused: Refused, method: str, path: str
):
    refused(await ada.request(method, path), 403, "INSUFFICIENT_SCOPE")
    refused(await anonymous.request(method, path), 401, "AUTHENTICATION_REQUIRED")
    assert world.sign_in.requests == []
