"""Attacks on the page on which people let apps in. Each begins with what works, as those on tokens do."""

import httpx
from support.oauth import CALLBACK, Lens, browser_at, code_for, log_in, refused, told, visit
from support.rest import PASSWORD, Person


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
