"""Attacks on tokens and codes. Each begins with what works: what is refused then is the one thing changed."""

import asyncio
import base64

import httpx
import pytest
from kit.testing import eventually
from support.oauth import CALLBACK, Lens, code_for, make_app, refused, told, visit
from support.rest import Person, assert_problem


async def works(http: httpx.AsyncClient, token: str) -> bool:
    return (await http.get("/v1/me", headers={"Authorization": f"Bearer {token}"})).status_code == 200


async def dies(http: httpx.AsyncClient, token: str) -> None:
    async def dead() -> bool:
        return not await works(http, token)

    await eventually(dead, timeout=1.5)  # within a second, and the time of asking


async def test_a_code_comes_again(http: httpx.AsyncClient, lens: Lens, browser: httpx.AsyncClient):
    code = await code_for(browser, lens)
    given = (await lens.redeem(code)).raise_for_status().json()
    assert await works(http, given["access_token"])
    refused(await lens.redeem(code), "invalid_grant")
    await dies(http, given["access_token"])
    refused(await lens.refresh(given["refresh_token"]), "invalid_grant")


async def test_a_code_at_many_places_at_once(http: httpx.AsyncClient, lens: Lens, browser: httpx.AsyncClient):
    code = await code_for(browser, lens)
    answers = await asyncio.gather(*(lens.redeem(code) for _ in range(10)))
    won = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    await dies(http, won[0]["access_token"])


async def test_a_refresh_token_at_many_places_at_once(http: httpx.AsyncClient, lens: Lens, browser: httpx.AsyncClient):
    """One wins; nobody gets a second line of tokens, and an honest app is not thrown out."""
    given = (await lens.redeem(await code_for(browser, lens))).json()
    answers = await asyncio.gather(*(lens.refresh(given["refresh_token"]) for _ in range(10)))
    won = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(won) == 1
    for answer in answers:
        if answer.status_code != 200:
            refused(answer, "invalid_grant")
    assert (await lens.refresh(won[0]["refresh_token"])).status_code == 200


async def test_proof_of_possession_is_not_to_be_talked_away(lens: Lens, browser: httpx.AsyncClient):
    for changes in (
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge": None},
        {"code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": "s256"},
        {"code_challenge": lens.verifier, "code_challenge_method": "plain"},
    ):
        answer = await browser.get(lens.page(changes))
        assert told(answer)["error"] == "invalid_request", changes
    for changes in ({"code_verifier": "x" * 64}, {"code_verifier": ""}, {"code_verifier": lens.verifier + "x"}):
        answer = await lens.redeem(await code_for(browser, lens), **changes)
        assert answer.json()["error"] in ("invalid_grant", "invalid_request"), changes


async def test_a_verifier_that_nobody_announced_is_no_way_around(lens: Lens, browser: httpx.AsyncClient, maker: Person):
    """A code whose request the thief made, for an app that does not look at its verifier."""
    other = await make_app(maker)
    answer = await other.redeem(await code_for(browser, lens), code_verifier=lens.verifier)
    refused(answer, "invalid_grant")


async def test_apps_know_whose_answer_it_is(lens: Lens, browser: httpx.AsyncClient, base_url: str):
    """Mix-up: an app of several servers sends a code to none but the one that says to have made it (RFC 9207)."""
    metadata = (await browser.get("/.well-known/oauth-authorization-server")).json()
    assert metadata["authorization_response_iss_parameter_supported"] is True
    for step in ("allow", "deny"):
        answer = told(await (await visit(browser, lens.page())).press(step))
        assert (answer["iss"], answer["state"]) == (metadata["issuer"], "s-1")
    assert told(await browser.get(lens.page({"scope": "admin"})))["iss"] == metadata["issuer"]


async def test_an_app_that_is_not_what_it_says(lens: Lens, browser: httpx.AsyncClient, http: httpx.AsyncClient):
    if not lens.secret:
        pytest.skip("a public app proves nothing but its verifier")
    form = {"grant_type": "client_credentials"}
    for pair in (
        (lens.client_id, "wrong"),
        (lens.client_id, ""),
        ("app-1", lens.secret),
        (lens.secret, lens.client_id),
    ):
        answer = await http.post("/oauth/token", data=form, auth=pair)
        refused(answer, "invalid_client", 401)
        assert answer.headers["www-authenticate"].startswith("Basic")
    for known in ({"client_id": lens.client_id}, {"client_id": lens.client_id, "client_secret": "wrong"}, {}):
        refused(await http.post("/oauth/token", data={**form, **known}), "invalid_client", 401)
    for header in (
        "Basic",
        "Basic =",
        "Basic " + base64.b64encode(b"\xff:\xff").decode(),
        "Digest x",
        "Basic a, Basic b",
    ):
        answer = await http.post("/oauth/token", data=form, headers={"Authorization": header})
        refused(answer, "invalid_client", 401)
    for name in ("token", "revoke", "introspect"):
        answer = await http.post(f"/oauth/{name}", data={**form, "token": "x", "client_id": lens.client_id})
        refused(answer, "invalid_client", 401)
    # Two ways at once are one too many.
    both = {**form, "client_secret": lens.secret}
    refused(await http.post("/oauth/token", data=both, auth=(lens.client_id, lens.secret)), "invalid_request")


async def test_what_is_anothers_is_not_an_apps_to_use(
    lens: Lens, browser: httpx.AsyncClient, maker: Person, http: httpx.AsyncClient
):
    thief = await make_app(maker)
    thief.verifier = lens.verifier
    code = await code_for(browser, lens)
    refused(await thief.redeem(code), "invalid_grant")
    given = (await lens.redeem(code)).raise_for_status().json()
    refused(await thief.refresh(given["refresh_token"]), "invalid_grant")
    for token in (given["access_token"], given["refresh_token"]):
        assert (await thief.call("introspect", {"token": token})).json() == {"active": False}
        refused(await thief.call("revoke", {"token": token}), "invalid_grant")
    assert await works(http, given["access_token"])
    assert (await lens.refresh(given["refresh_token"])).status_code == 200


async def test_an_apps_refresh_token_is_none_of_our_own_clients(
    lens: Lens, browser: httpx.AsyncClient, person: Person, http: httpx.AsyncClient
):
    given = (await lens.redeem(await code_for(browser, lens))).json()
    answer = await http.post("/v1/sessions/refresh", json={"refresh_token": given["refresh_token"]})
    assert assert_problem(answer, 401)["reason"] == "BAD_REFRESH_TOKEN"
    refused(await lens.refresh(person.refresh_token), "invalid_grant")


async def test_a_code_goes_with_the_address_it_was_sent_to(lens: Lens, browser: httpx.AsyncClient):
    for uri in ("https://evil.example/", CALLBACK + "/", CALLBACK + "?x", ""):
        refused(await lens.redeem(await code_for(browser, lens), redirect_uri=uri), "invalid_grant")


async def test_scopes_only_shrink(lens: Lens, browser: httpx.AsyncClient, http: httpx.AsyncClient):
    for scope in ("read admin", "account", "moderate", "follow", "read write email", "openid", "READ", "*"):
        assert told(await browser.get(lens.page({"scope": scope})))["error"] == "invalid_scope", scope
    given = (await lens.redeem(await code_for(browser, lens), scope="read write account")).json()
    assert given["scope"] == "read write"
    for scope in ("read write follow", "account", "admin", "email"):
        refused(await lens.refresh(given["refresh_token"], scope=scope), "invalid_scope")
    narrow = (await lens.refresh(given["refresh_token"], scope="read")).json()
    answer = await http.patch(
        "/v1/me", json={"name": "x"}, headers={"Authorization": f"Bearer {narrow['access_token']}"}
    )
    assert assert_problem(answer, 403)["reason"] == "INSUFFICIENT_SCOPE"


async def test_an_app_never_touches_who_may_come_in(lens: Lens, browser: httpx.AsyncClient, http: httpx.AsyncClient):
    given = (await lens.redeem(await code_for(browser, lens))).json()
    bearer = {"Authorization": f"Bearer {given['access_token']}"}
    for method, path in (
        ("GET", "/v1/sessions"), ("DELETE", "/v1/sessions"), ("POST", "/v1/apps"), ("GET", "/v1/me/apps"),
        ("POST", "/v1/me/password"), ("POST", "/v1/me/email"), ("POST", "/v1/me/totp"), ("PATCH", "/v1/me/settings"),
        ("GET", "/v1/me/security-events"), ("GET", "/v1/admin/audit"),
    ):  # fmt: skip
        answer = await http.request(method, path, headers=bearer, json={} if method != "GET" else None)
        assert assert_problem(answer, 403)["reason"] == "INSUFFICIENT_SCOPE", path


async def test_what_people_take_back_is_gone_within_a_second(
    lens: Lens, browser: httpx.AsyncClient, person: Person, http: httpx.AsyncClient
):
    given = (await lens.redeem(await code_for(browser, lens))).json()
    assert await works(http, given["access_token"])
    (await person.delete(f"/v1/me/apps/{lens.id}")).raise_for_status()
    await dies(http, given["access_token"])
    refused(await lens.refresh(given["refresh_token"]), "invalid_grant")
    assert (await person.get("/v1/me/apps")).json()["items"] == []
