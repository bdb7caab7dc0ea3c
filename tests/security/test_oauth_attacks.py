"""Attacks on the authorization server. Each begins with what works: what is refused then is the one thing changed."""

import asyncio
import base64
from collections.abc import AsyncGenerator

import httpx
import pytest
from kit.testing import eventually
from support.oauth import CALLBACK, Lens, browser_at, code_for, log_in, make_app, told, visit
from support.rest import PASSWORD, Person, assert_problem, join


@pytest.fixture
async def person(http: httpx.AsyncClient) -> Person:
    return await join(http, "prey")


@pytest.fixture
async def maker(http: httpx.AsyncClient) -> Person:
    return await join(http, "maker")


@pytest.fixture(params=[True, False], ids=["confidential", "public"])
async def lens(maker: Person, request: pytest.FixtureRequest) -> Lens:
    return await make_app(maker, confidential=request.param)


@pytest.fixture
async def browser(base_url: str, lens: Lens, person: Person) -> AsyncGenerator[httpx.AsyncClient]:
    """In which the person is logged in."""
    async with browser_at(base_url) as browser:
        await log_in(browser, lens, person)
        yield browser


def refused(answer: httpx.Response, error: str, status: int = 400) -> None:
    """In the words of RFC 6749, with no token in them."""
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.json().keys() <= {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"


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


async def test_people_are_sent_nowhere_else(lens: Lens, browser: httpx.AsyncClient, base_url: str):
    targets = (
        "https://evil.example/", "https://lens.example.org.evil.example/cb", "https://lens.example.org@evil.example/cb",
        "https://lens.example.org/cb/../evil", "https://lens.example.org/cb#x", "https://lens.example.org/cb?next=evil",
        "https://lens.example.org/CB", "https://lens.example.org:8443/cb", "http://lens.example.org/cb",
        "//evil.example/cb", "/\\evil.example", "javascript:alert(1)", "data:text/html,x", "", " " + CALLBACK,
        CALLBACK + "\r\nSet-Cookie: x=1", CALLBACK + "\u0000", CALLBACK + "é",
    )  # fmt: skip
    for target in targets:
        for changes in ({}, {"scope": "admin"}, {"response_type": "token"}, {"code_challenge": None}):
            answer = await browser.get(lens.page({**changes, "redirect_uri": target}))
            assert answer.status_code == 400, target
            assert "location" not in answer.headers
            assert "set-cookie" not in answer.headers
    twice = lens.page() + "&redirect_uri=https%3A%2F%2Fevil.example%2F"
    assert (await browser.get(twice)).status_code == 400
    # A link alone moves nobody who has not logged in here, not even to the app.
    async with browser_at(base_url) as stranger:
        assert (await stranger.get(lens.page({"scope": "admin"}))).status_code == 200


async def test_consent_cannot_be_given_from_elsewhere(
    lens: Lens, browser: httpx.AsyncClient, base_url: str, person: Person, maker: Person
):
    action, hidden = (await visit(browser, lens.page())).form
    allow = {**hidden, "step": "allow"}
    for fields, headers in (
        ({"step": "allow"}, {}),
        ({**allow, "token": hidden["token"][:-1] + "!"}, {}),
        (allow, {"Origin": "https://evil.example"}),
        (allow, {"Origin": "null"}),
        (allow, {"Sec-Fetch-Site": "cross-site"}),
    ):
        assert (await browser.post(action, data=fields, headers=headers)).status_code == 403
    async with browser_at(base_url) as mallory:
        """Her page's token is good for her browser alone."""
        _, hers = (await log_in(mallory, lens, maker)).form
        assert (await browser.post(action, data={**hers, "step": "allow"})).status_code == 403
    # Nor does consent to little become consent to much.
    wider = lens.page({"scope": "read"})
    assert (await browser.post(wider, data=allow)).status_code == 403
    assert (await browser.get(lens.page(), headers={"X-HTTP-Method-Override": "POST"})).status_code == 200
    assert "code" in told(await browser.post(action, data=allow))


async def test_nobody_is_logged_in_behind_their_back(lens: Lens, base_url: str, maker: Person):
    """To an account of the attacker's, where all they do would be seen."""
    async with browser_at(base_url) as prey:
        await prey.get(lens.page())
        forged = {"step": "log-in", "login": maker.username, "password": PASSWORD}
        answer = await prey.post(lens.page(), data=forged)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
        assert "Password" in (await prey.get(lens.page())).text


async def test_a_session_is_not_to_be_planted(lens: Lens, base_url: str, person: Person):
    async with browser_at(base_url) as prey, browser_at(base_url) as mallory:
        first = await visit(mallory, lens.page())
        for name, value in mallory.cookies.items():
            prey.cookies.set(name, value, domain="127.0.0.1")
        await (await visit(prey, lens.page())).press("log-in", login=person.username, password=PASSWORD)
        assert "Password" in (await mallory.get(lens.page())).text
        assert person.username not in (await mallory.get(lens.page())).text
        # What she knew of the browser before is good for nothing after.
        action, hidden = first.form
        assert (await prey.post(action, data={**hidden, "step": "allow"})).status_code == 403


async def test_the_cookie_of_a_log_in_is_that_of_a_live_session(lens: Lens, browser: httpx.AsyncClient, person: Person):
    code = await code_for(browser, lens)
    kept = dict(browser.cookies.items())
    (await person.delete("/v1/sessions")).raise_for_status()
    refused(await lens.redeem(code), "invalid_grant")
    browser.cookies.update(kept)
    assert "Password" in (await browser.get(lens.page())).text


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


async def test_the_page_cannot_be_framed_or_scripted(lens: Lens, browser: httpx.AsyncClient):
    nasty = {"state": "\"'><script>alert(1)</script>", "nonsense": "<img src=x onerror=alert(1)>"}
    for answer in (
        await browser.get(lens.page(nasty)),
        await browser.get(lens.page({**nasty, "client_id": "<script>"})),
    ):
        assert "<script" not in answer.text
        assert "<img" not in answer.text
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "script-src" not in policy
