"""The endpoints that apps call, and what the scopes of their tokens let them do."""

import json
from typing import Any

import pytest
from gateway.app import endpoints
from gateway.auth import Viewer
from gateway.routing import Auth
from gateway.scopes import ALL, FOR_APPS, OWN
from gateway_world import ADA, Client, Refused, World
from heliograph.user.v1 import oauth_pb2 as pb
from heliograph.user.v1 import user_pb2
from kit.errors import Unavailable
from starlette.types import ASGIApp

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TOKENS = {"access_token": "a", "token_type": "Bearer", "expires_in": 900, "scope": "read"}
UNLIMITED = ",".join(f"{kind}.{whose}=100000/60" for kind in ("read", "write", "auth") for whose in ("user", "address"))
APP = pb.App(
    id=7,
    client_id="app-7",
    name="Lens",
    client_type=pb.CLIENT_TYPE_CONFIDENTIAL,
    redirect_uris=["https://app.example/cb"],
    scopes=["read"],
)


@pytest.fixture
async def owner(world: World, app: ASGIApp) -> Client:
    return await world.client(app, world.token(ADA, scope="read account"))


def test_every_route_that_heeds_a_token_names_a_scope_that_is_known():
    for endpoint in endpoints():
        if endpoint.policy.auth is not Auth.OPEN:
            assert endpoint.policy.scope in ALL, endpoint.path


def test_apps_can_get_no_scope_of_our_own_clients():
    assert not set(FOR_APPS) & OWN
    reserved = ("/v1/sessions", "/v1/apps", "/v1/me/apps", "/v1/me/passkeys", "/v1/me/totp", "/v1/me/password")
    guarded = [one for one in endpoints() if one.policy.auth is not Auth.OPEN and one.path.startswith(reserved)]
    assert len(guarded) > 10
    for endpoint in guarded:
        assert endpoint.policy.scope == "account", endpoint.path


async def test_each_scope_opens_its_routes_and_no_others(world: World):
    app, _ = await world.gateway(rate_limits=UNLIMITED)
    clients = {
        scope: await world.client(app, world.token(ADA, scope=scope, client_id="app-7")) for scope in sorted(ALL)
    }
    for endpoint in endpoints():
        if endpoint.policy.auth is Auth.OPEN:
            continue
        path = endpoint.path.replace("{", "").replace("}", "")
        for scope, client in clients.items():
            response = await client.request(endpoint.method, path)
            shut = response.status_code == 403 and response.json()["reason"] == "INSUFFICIENT_SCOPE"
            assert shut is (scope != endpoint.policy.scope), (scope, endpoint.method, path)


async def test_an_app_by_itself_reads_what_anybody_may_and_nothing_that_is_somebodys(
    world: World, app: ASGIApp, refused: Refused
):
    own = await world.client(app, world.token(scope="read", sub="app-7", client_id="app-7", sid="9"))
    world.knows(world.profile(1, "ada"))
    response = await own.get("/v1/users/ada")
    assert response.status_code == 200
    assert '"read-app"' in response.headers["ratelimit-policy"]
    assert "address" not in response.headers["ratelimit-policy"]
    assert "user" not in response.headers["ratelimit-policy"]
    problem = refused(await own.get("/v1/me"), 403, "USER_REQUIRED")
    assert "an app's own" in problem["detail"]
    refused(await own.put("/v1/posts/1/like"), 403, "INSUFFICIENT_SCOPE")
    other = await world.client(app, world.token(scope="read", sub="app-8", client_id="app-7", sid="9"))
    refused(await other.get("/v1/users/ada"), 401, "INVALID_TOKEN")


async def test_an_apps_own_token_dies_with_its_secret(world: World, refused: Refused):
    app, parts = await world.gateway()
    own = await world.client(app, world.token(scope="read", sub="app-7", client_id="app-7", sid="9"))
    world.knows(world.profile(1, "ada"))
    assert (await own.get("/v1/users/ada")).status_code == 200
    parts.revocations.add(9)
    refused(await own.get("/v1/users/ada"), 401, "SESSION_REVOKED")


async def test_an_address_is_for_apps_that_may_see_it(world: World, app: ASGIApp, ada: Client):
    account = user_pb2.Account(profile=world.profile(ADA, "ada"), email="ada@example.org", email_verified=True)
    world.user.answer("GetAccount", user_pb2.GetAccountResponse(account=account))
    seen = {
        scope: (await (await world.client(app, world.token(scope=scope, client_id="app-7"))).get("/v1/me")).json()
        for scope in ("read", "read email")
    }
    assert (seen["read"]["email"], seen["read"]["email_verified"]) == (None, None)
    assert (seen["read email"]["email"], seen["read email"]["email_verified"]) == ("ada@example.org", True)
    assert (await ada.get("/v1/me")).json()["email"] == "ada@example.org"


async def test_a_token_request_is_passed_on_as_it_came(anonymous: Client, world: World):
    answer = pb.ProtocolAnswer(status=200, body=json.dumps(TOKENS))
    world.oauth.answer("IssueToken", pb.IssueTokenResponse(answer=answer))
    response = await anonymous.post(
        "/oauth/token",
        content="grant_type=x&scope=a%20b&scope=&code=%2B",
        headers={**FORM, "Authorization": "Basic eA=="},
    )
    assert (response.status_code, response.json()) == (200, TOKENS)
    assert response.headers["cache-control"] == "no-store"
    (asked,) = world.oauth.asked(pb.IssueTokenRequest)
    assert [(one.name, one.value) for one in asked.parameters] == [
        ("grant_type", "x"), ("scope", "a b"), ("scope", ""), ("code", "+"),
    ]  # fmt: skip
    assert (asked.authorization, asked.address) == ("Basic eA==", "203.0.113.7")


async def test_refusals_are_in_the_protocols_words(anonymous: Client, world: World):
    body = json.dumps({"error": "invalid_client"})
    refused = pb.ProtocolAnswer(status=401, body=body, www_authenticate='Basic realm="heliograph"')
    world.oauth.answer("IssueToken", pb.IssueTokenResponse(answer=refused))
    response = await anonymous.post("/oauth/token", data={"grant_type": "x"})
    assert (response.status_code, response.json()) == (401, {"error": "invalid_client"})
    assert response.headers["content-type"] == "application/json"
    assert response.headers["www-authenticate"].startswith("Basic")


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/introspect"])
async def test_what_is_no_form_is_refused_in_these_words_too(anonymous: Client, world: World, path: str):
    sendings: list[dict[str, Any]] = [
        {"json": {}},
        {"content": b"token=%ff", "headers": FORM},
        {"content": "token=\u00e4".encode(), "headers": FORM},
        {"content": b"&".join([b"a=b"] * 51), "headers": FORM},
        {"data": {"token": "x"}, "params": {"client_secret": "in a log"}},
        {"data": {"token": "x"}, "headers": [("Authorization", "Basic a"), ("Authorization", "Basic b")]},
    ]
    for sent in sendings:
        response = await anonymous.post(path, **sent)
        assert (response.status_code, response.json()["error"]) == (400, "invalid_request"), sent
    assert world.oauth.requests == []


async def test_an_outage_is_a_problem_as_everywhere(anonymous: Client, world: World, refused: Refused):
    world.oauth.answer("IssueToken", Unavailable("POSTGRES_UNAVAILABLE", "down", retry_after=1))
    response = await anonymous.post("/oauth/token", data={"grant_type": "x"})
    refused(response, 503, "POSTGRES_UNAVAILABLE")
    assert response.headers["retry-after"] == "1"


async def test_apps_read_where_to_go(anonymous: Client):
    told = (await anonymous.get("/.well-known/oauth-authorization-server")).json()
    assert told["issuer"] == "http://api.test"
    for name in ("authorization", "token", "revocation", "introspection"):
        path = told[f"{name}_endpoint"].removeprefix("http://api.test")
        assert path in {endpoint.path for endpoint in endpoints()}
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert told["response_types_supported"] == ["code"]
    assert told["authorization_response_iss_parameter_supported"] is True


async def test_a_secret_is_told_once(owner: Client, world: World):
    world.oauth.answer("CreateApp", pb.CreateAppResponse(app=APP, client_secret="hgs_x"))
    world.oauth.answer("GetApp", pb.GetAppResponse(app=APP))
    body = {"name": "Lens", "client_type": "confidential", "redirect_uris": ["https://app.example/cb"]}
    made = await owner.post("/v1/apps", json=body)
    assert (made.status_code, made.json()["client_secret"]) == (201, "hgs_x")
    assert made.headers["location"] == "/v1/apps/7"
    assert list(world.oauth.asked(pb.CreateAppRequest)[0].app.scopes) == ["read"]
    again = (await owner.get("/v1/apps/7")).json()
    assert (again["client_id"], again["client_type"]) == ("app-7", "confidential")
    assert "client_secret" not in again


async def test_a_change_names_what_changes(owner: Client, world: World):
    world.oauth.answer("UpdateApp", pb.UpdateAppResponse(app=APP))
    assert (await owner.patch("/v1/apps/7", json={"website": "", "scopes": ["read"]})).status_code == 200
    (asked,) = world.oauth.asked(pb.UpdateAppRequest)
    assert list(asked.update_mask.paths) == ["scopes", "website"]


async def test_the_apps_that_one_lets_in(owner: Client, world: World):
    app = pb.AuthorizedApp(id=7, name="Lens", scopes=["read"])
    world.oauth.answer("ListAuthorizedApps", pb.ListAuthorizedAppsResponse(apps=[app]))
    (shown,) = (await owner.get("/v1/me/apps")).json()["items"]
    assert (shown["id"], shown["name"], shown["scopes"]) == ("7", "Lens", ["read"])
    assert (await owner.delete("/v1/me/apps/7")).status_code == 204
    (asked,) = world.oauth.asked(pb.RemoveAuthorizedAppRequest)
    assert (asked.viewer_id, asked.app_id) == (ADA, 7)


def test_a_person_is_told_from_an_app():
    assert Viewer(1, 2, frozenset(), 0).is_person
    assert not Viewer(0, 2, frozenset(), 0, "app-7").is_person
