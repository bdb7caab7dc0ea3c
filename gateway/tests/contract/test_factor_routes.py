"""Second factors: who may change them, what the user service is asked, and what is made of its answers."""

import json
from typing import Any

import pytest
from gateway_world import ADA, Client, Refused, World
from heliograph.user.v1 import factors_pb2 as pb
from kit.errors import PermissionDenied, ResourceExhausted, Unauthenticated
from starlette.types import ASGIApp

TIME = "2026-06-21T19:30:00.123Z"
PASSWORD = "correct horse"
CREDENTIAL = {"id": "x", "rawId": "x", "type": "public-key", "response": {"clientDataJSON": "e30"}}
CHANGES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/v1/me/totp", {"password": PASSWORD}),
    ("POST", "/v1/me/totp/confirm", {"code": "287082"}),
    ("DELETE", "/v1/me/totp", {"password": PASSWORD, "code": "287082"}),
    ("POST", "/v1/me/recovery-codes", {"password": PASSWORD, "code": "287082"}),
    ("POST", "/v1/me/passkeys/options", {"password": PASSWORD}),
    ("POST", "/v1/me/passkeys", {"ticket": "t", "credential": CREDENTIAL}),
    ("DELETE", "/v1/me/passkeys/7", {"password": PASSWORD, "code": "287082"}),
]
ROUTES = [
    *CHANGES,
    ("GET", "/v1/me/factors", None),
    ("POST", "/v1/me/factors/challenge", None),
    ("GET", "/v1/me/passkeys", None),
]


@pytest.fixture
async def owner(world: World, app: ASGIApp) -> Client:
    """In a client of our own."""
    return await world.client(app, world.token(ADA, scope="read write follow push account"))


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_no_app_and_nobody_else_comes_near(
    ada: Client, anonymous: Client, world: World, refused: Refused, method: str, path: str, body: Any
):
    refused(await ada.request(method, path, json=body), 403, "INSUFFICIENT_SCOPE")
    refused(await anonymous.request(method, path, json=body), 401, "AUTHENTICATION_REQUIRED")
    assert world.factors.requests == []


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
async def test_what_the_user_service_refuses_is_refused(
    owner: Client, world: World, refused: Refused, method: str, path: str, body: Any
):
    for error, status in (
        (Unauthenticated("BAD_SECOND_FACTOR", "wrong"), 401),
        (PermissionDenied("SECOND_FACTOR_REQUIRED", "missing"), 403),
        (ResourceExhausted("TOO_MANY_ATTEMPTS", "wait", retry_after=30), 429),
    ):
        for name in (
            "BeginTotp", "ConfirmTotp", "RemoveTotp", "MakeRecoveryCodes", "BeginPasskey", "FinishPasskey",
            "RemovePasskey",
        ):  # fmt: skip
            world.factors.answer(name, error)
        refused(await owner.request(method, path, json=body), status, error.reason)


async def test_factors_that_are_on(owner: Client, world: World):
    world.factors.answer("GetFactors", pb.GetFactorsResponse())
    assert (await owner.get("/v1/me/factors")).json() == {"totp": None, "passkeys": 0, "recovery_codes_left": 0}
    found = pb.GetFactorsResponse(totp=True, passkeys=2, recovery_codes_left=9)
    found.totp_added_at.FromJsonString(TIME)
    world.factors.answer("GetFactors", found)
    assert (await owner.get("/v1/me/factors")).json() == {
        "totp": {"added_at": TIME, "last_used_at": None},
        "passkeys": 2,
        "recovery_codes_left": 9,
    }


async def test_turning_codes_of_an_app_on(owner: Client, world: World):
    world.factors.answer("BeginTotp", pb.BeginTotpResponse(secret="JBSW", uri="otpauth://totp/x"))
    world.factors.answer("ConfirmTotp", pb.ConfirmTotpResponse(recovery_codes=["a", "b"]))
    begun = await owner.post("/v1/me/totp", json={"password": PASSWORD}, headers={"User-Agent": "camera/1"})
    assert begun.status_code == 201
    assert begun.json() == {"secret": "JBSW", "uri": "otpauth://totp/x", "expires_at": None}
    assert begun.headers["cache-control"] == "no-store"
    (asked,) = world.factors.asked(pb.BeginTotpRequest)
    assert (asked.viewer_id, asked.confirmation.password) == (ADA, PASSWORD)
    assert (asked.origin.address, asked.origin.user_agent) == ("203.0.113.7", "camera/1")
    confirmed = await owner.post("/v1/me/totp/confirm", json={"code": "287082"})
    assert (confirmed.status_code, confirmed.json()) == (200, {"recovery_codes": ["a", "b"]})


async def test_a_secret_is_not_kept_for_a_repetition(owner: Client, world: World):
    answers = iter(["one", "two"])
    world.factors.answer("BeginTotp", lambda _: pb.BeginTotpResponse(secret=next(answers)))
    key = {"Idempotency-Key": "k"}
    seen = [(await owner.post("/v1/me/totp", json={"password": PASSWORD}, headers=key)).json() for _ in range(2)]
    assert [answer["secret"] for answer in seen] == ["one", "two"]


async def test_a_change_is_confirmed_with_any_factor(owner: Client, world: World):
    given = {"password": PASSWORD, "recovery_code": "r", "assertion": CREDENTIAL, "ticket": "t"}
    assert (await owner.request("DELETE", "/v1/me/totp", json=given)).status_code == 204
    (asked,) = world.factors.asked(pb.RemoveTotpRequest)
    said = asked.confirmation
    assert (said.recovery_code, json.loads(said.assertion), said.ticket) == ("r", CREDENTIAL, "t")
    assert (await owner.request("DELETE", "/v1/me/passkeys/7", json=given)).status_code == 204
    assert world.factors.asked(pb.RemovePasskeyRequest)[0].passkey_id == 7


async def test_making_a_passkey(owner: Client, world: World):
    options = json.dumps({"challenge": "c"})
    world.factors.answer("BeginPasskey", pb.BeginPasskeyResponse(ticket="t", options=options))
    made = pb.FinishPasskeyResponse(passkey=pb.Passkey(id=7, name="Laptop"), recovery_codes=["a"])
    world.factors.answer("FinishPasskey", made)
    begun = await owner.post("/v1/me/passkeys/options", json={"password": PASSWORD})
    assert (begun.status_code, begun.json()["options"]) == (201, {"challenge": "c"})
    body = {"ticket": begun.json()["ticket"], "credential": CREDENTIAL, "name": "Laptop"}
    answer = await owner.post("/v1/me/passkeys", json=body)
    expected = {"id": "7", "name": "Laptop", "created_at": None, "last_used_at": None, "recovery_codes": ["a"]}
    assert (answer.status_code, answer.json()) == (201, expected)
    (asked,) = world.factors.asked(pb.FinishPasskeyRequest)
    assert (asked.ticket, json.loads(asked.credential), asked.name) == ("t", CREDENTIAL, "Laptop")


async def test_passkeys_are_listed_in_pages(owner: Client, world: World):
    page = pb.ListPasskeysResponse(passkeys=[pb.Passkey(id=7, name="Laptop")], next_page_token="7")
    world.factors.answer("ListPasskeys", page)
    found = (await owner.get("/v1/me/passkeys?limit=1")).json()
    assert found["items"] == [{"id": "7", "name": "Laptop", "created_at": None, "last_used_at": None}]
    await owner.get(f"/v1/me/passkeys?cursor={found['next']}")
    assert [asked.page_token for asked in world.factors.asked(pb.ListPasskeysRequest)] == ["", "7"]


async def test_a_challenge_to_confirm_with(owner: Client, world: World):
    world.factors.answer("BeginProof", pb.BeginProofResponse(ticket="t", options='{"challenge": "c"}'))
    answer = await owner.post("/v1/me/factors/challenge")
    expected = {"ticket": "t", "options": {"challenge": "c"}, "expires_at": None}
    assert (answer.status_code, answer.json()) == (201, expected)
