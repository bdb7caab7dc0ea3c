"""Tokens: which are good, which are not, and what the difference is called."""

import asyncio
import base64
import hmac
import json
import time
from typing import Any

import pytest
from gateway_world import Client, Refused, World
from heliograph.post.v1 import post_pb2
from heliograph.user.v1 import user_pb2
from joserfc import jwt
from joserfc.jwk import OKPKey
from kit.errors import Unavailable
from kit.testing import eventually
from starlette.types import ASGIApp

ANONYMOUS = [
    "/v1/posts/1",
    "/v1/posts/1/comments",
    "/v1/comments/1/replies",
    "/v1/posts/1/likes",
    "/v1/users/ada",
    "/v1/users?ids=1",
    "/v1/users/1/posts",
    "/v1/tags/dusk/posts",
]
SIGNED_IN = [
    "/v1/me",
    "/v1/me/settings",
    "/v1/me/feed",
    "/v1/me/blocks",
    "/v1/me/mutes",
    "/v1/me/follow-requests",
    "/v1/sessions",
    "/v1/notifications",
    "/v1/notifications/unread-count",
    "/v1/search?q=x",
    "/v1/relationships?ids=1",
    "/v1/users/1/followers",
    "/v1/users/1/following",
    "/v1/media/1",
]


@pytest.mark.parametrize("path", SIGNED_IN)
async def test_what_is_personal_needs_a_token(anonymous: Client, refused: Refused, path: str):
    response = await anonymous.get(path)
    refused(response, 401, "AUTHENTICATION_REQUIRED")
    assert response.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ANONYMOUS)
async def test_what_is_public_needs_none(anonymous: Client, world: World, path: str):
    world.knows(world.profile(1, "ada"))
    world.post.answer("GetPost", post_pb2.GetPostResponse(post=world.post_of(1)))
    assert (await anonymous.get(path)).status_code == 200


async def test_a_good_token_names_its_account(ada: Client, world: World, ada_id: int):
    assert (await ada.get("/v1/me")).status_code == 200
    assert world.user.asked(user_pb2.GetAccountRequest)[0].viewer_id == ada_id


async def _status(world: World, app: ASGIApp, refused: Refused, token: str, reason: str) -> None:
    response = await (await world.client(app, token)).get("/v1/me")
    refused(response, 401, reason)
    assert 'error="invalid_token"' in response.headers["www-authenticate"]


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "other"},
        {"aud": None},
        {"iss": "other"},
        {"iss": None},
        {"nbf": int(time.time()) + 600},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": True},
        {"exp": 10**30},
        {"sub": "abc"},
        {"sub": None},
        {"sid": None},
        {"sid": "0"},
    ],
)
async def test_a_token_with_a_wrong_claim_is_invalid(
    world: World, app: ASGIApp, refused: Refused, changes: dict[str, Any]
):
    await _status(world, app, refused, world.token(**changes), "INVALID_TOKEN")


async def test_an_expired_token_is_told_apart_from_an_invalid_one(world: World, app: ASGIApp, refused: Refused):
    await _status(world, app, refused, world.token(exp=int(time.time()) - 60), "TOKEN_EXPIRED")


async def test_a_remembered_token_expires_too(world: World, app: ASGIApp):
    client = await world.client(app, world.token(exp=int(time.time()) - 3))  # five seconds of grace for slow clocks
    assert (await client.get("/v1/me")).status_code == 200

    async def expired() -> bool:
        return (await client.get("/v1/me")).status_code == 401

    await eventually(expired, timeout=5)


async def test_a_token_signed_by_another_key_is_invalid(world: World, app: ASGIApp, refused: Refused):
    await _status(world, app, refused, world.token(key=OKPKey.generate_key("Ed25519")), "INVALID_TOKEN")


async def test_a_token_without_a_signature_is_invalid(world: World, app: ASGIApp, refused: Refused):
    head, body, _ = world.token().split(".")
    none = _base64(json.dumps({"alg": "none", "kid": "k1", "typ": "at+jwt"}).encode())
    for token in (f"{head}.{body}.", f"{none}.{body}.", f"{none}.{body}"):
        await _status(world, app, refused, token, "INVALID_TOKEN")


async def test_the_public_key_is_no_secret_to_sign_with(world: World, app: ASGIApp, refused: Refused):
    _, claims, _ = world.token().split(".")
    header = _base64(json.dumps({"alg": "HS256", "kid": "k1", "typ": "at+jwt"}).encode())
    for secret in (world.key.as_pem(private=False), world.key.public_key.public_bytes_raw()):
        tag = _base64(hmac.digest(secret, f"{header}.{claims}".encode(), "sha256"))
        await _status(world, app, refused, f"{header}.{claims}.{tag}", "INVALID_TOKEN")


async def test_a_key_inside_of_the_token_is_not_used(world: World, app: ASGIApp, refused: Refused):
    own = OKPKey.generate_key("Ed25519")
    header = {"alg": "EdDSA", "kid": "k1", "typ": "at+jwt", "jwk": own.as_dict(private=False)}
    await _status(world, app, refused, jwt.encode(header, {"sub": "1"}, own, algorithms=["EdDSA"]), "INVALID_TOKEN")


async def test_another_kind_of_token_is_invalid(world: World, app: ASGIApp, refused: Refused):
    await _status(world, app, refused, world.token(typ="JWT"), "INVALID_TOKEN")


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Bearer x", "Bearer a.b.c", "Basic YTpi", "Bearer " + "x" * 5000]
)
async def test_a_header_without_a_token_is_invalid(anonymous: Client, refused: Refused, header: str):
    refused(await anonymous.get("/v1/me", headers={"Authorization": header}), 401, "INVALID_TOKEN")


async def test_a_bad_token_is_refused_where_none_is_needed_but_one_is_heeded(anonymous: Client, refused: Refused):
    refused(await anonymous.get("/v1/posts/1", headers={"Authorization": "Bearer x"}), 401, "INVALID_TOKEN")


async def test_a_bad_token_does_not_matter_for_getting_a_new_one(anonymous: Client):
    body = {"refresh_token": "r"}
    response = await anonymous.post("/v1/sessions/refresh", json=body, headers={"Authorization": "Bearer x"})
    assert response.status_code == 200


async def test_a_scope_that_is_missing_is_named(world: World, app: ASGIApp, refused: Refused):
    reader = await world.client(app, world.token(scope="read"))
    assert (await reader.get("/v1/me")).status_code == 200
    response = await reader.put("/v1/posts/1/like")
    refused(response, 403, "INSUFFICIENT_SCOPE")
    assert 'scope="write"' in response.headers["www-authenticate"]
    refused(await reader.put("/v1/users/1/follow"), 403, "INSUFFICIENT_SCOPE")


async def test_a_new_key_is_fetched_when_a_token_names_it(world: World):
    app, _ = await world.gateway()
    assert (await (await world.client(app, world.token())).get("/v1/me")).status_code == 200
    new = OKPKey.generate_key("Ed25519")
    world.publish_keys({"k1": world.key, "k2": new})
    renewed = await world.client(app, world.token(kid="k2", key=new))

    async def accepted() -> bool:
        return (await renewed.get("/v1/me")).status_code == 200

    await eventually(accepted, timeout=5)


async def test_unknown_keys_do_not_make_the_gateway_ask_every_time(world: World, app: ASGIApp, refused: Refused):
    for number in range(20):
        client = await world.client(app, world.token(kid=f"strange{number}"))
        refused(await client.get("/v1/me"), 401, "INVALID_TOKEN")
    assert len(world.user.asked(user_pb2.GetJwksRequest)) == 1


async def test_without_any_key_the_answer_is_come_back(world: World, refused: Refused):
    world.user.answer("GetJwks", Unavailable("POSTGRES_UNAVAILABLE", "down", retry_after=1))
    app, _ = await world.gateway()
    response = await (await world.client(app, world.token())).get("/v1/me")
    refused(response, 503, "USER_UNAVAILABLE")
    assert response.headers["retry-after"] == "1"


async def test_anonymous_reads_work_without_any_key(world: World):
    world.user.answer("GetJwks", Unavailable("POSTGRES_UNAVAILABLE", "down"))
    world.post.answer("GetPost", post_pb2.GetPostResponse(post=world.post_of(1)))
    app, _ = await world.gateway()
    assert (await (await world.client(app)).get("/v1/posts/1")).status_code == 200


async def test_a_revoked_session_is_out_at_the_next_poll(world: World, refused: Refused, ada_id: int):
    app, parts = await world.gateway()
    client = await world.client(app, world.token())
    assert (await client.get("/v1/me")).status_code == 200
    expires = int(time.time()) + 900

    def revoked(request: user_pb2.ListRevocationsRequest) -> user_pb2.ListRevocationsResponse:
        if request.after_revision >= 5:
            return user_pb2.ListRevocationsResponse(revision=5)
        answer = user_pb2.ListRevocationsResponse(revision=5)
        answer.revocations.add(session_id=ada_id + 1000).expires_at.FromSeconds(expires)
        return answer

    world.user.answer("ListRevocations", revoked)
    await parts.revocations.refresh()
    refused(await client.get("/v1/me"), 401, "SESSION_REVOKED")
    world.user.answer("ListRevocations", Unavailable("DOWN", "down"))
    refused(await client.get("/v1/me"), 401, "SESSION_REVOKED")


async def test_revocations_arrive_by_themselves_within_a_second(world: World, refused: Refused, ada_id: int):
    app, parts = await world.gateway()
    client = await world.client(app, world.token())
    polling = asyncio.create_task(parts.revocations.run())
    try:
        answer = user_pb2.ListRevocationsResponse(revision=1)
        answer.revocations.add(session_id=ada_id + 1000).expires_at.FromSeconds(int(time.time()) + 900)
        world.user.answer("ListRevocations", answer)

        async def out() -> bool:
            return (await client.get("/v1/me")).status_code == 401

        await eventually(out, timeout=1.0)
    finally:
        polling.cancel()


async def test_who_logs_out_is_out_at_once(world: World, app: ASGIApp, refused: Refused, ada_id: int):
    ada = await world.client(app, world.token(scope="read account"))
    assert (await ada.delete("/v1/sessions/current")).status_code == 204
    asked = world.user.asked(user_pb2.RevokeSessionRequest)[0]
    assert (asked.viewer_id, asked.session_id) == (ada_id, ada_id + 1000)
    refused(await ada.get("/v1/me"), 401, "SESSION_REVOKED")


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
