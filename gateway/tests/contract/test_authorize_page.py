"""The page on which people log in and let an app in: what it shows, whom it believes, where it leads."""

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from html.parser import HTMLParser

import httpx
import pytest
from gateway_world import Client, World
from heliograph.user.v1 import oauth_pb2 as pb
from kit.errors import InvalidArgument, ResourceExhausted, Unauthenticated, Unavailable
from starlette.types import ASGIApp

PAGE = "/oauth/authorize?client_id=app-7&state=%22%3E%3Cscript%3E&scope=read+write"
CALLBACK = "https://app.example/cb"
LOGIN, FORM = "heliograph-login", "heliograph-form"
BROWSER = "hgb_" + "b" * 64


class Forms(HTMLParser):
    """The first form of a page: where it goes and what it holds."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.action, self.fields, self.tags = "", dict[str, str](), list[str]()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        found = dict(attrs)
        if tag == "form":
            self.action = self.action or found["action"] or ""
        if tag == "input" and found.get("type") == "hidden":
            self.fields.setdefault(found["name"] or "", found["value"] or "")


def asked(username: str = "", error_uri: str = "") -> pb.BeginAuthorizationResponse:
    app = pb.App(id=7, client_id="app-7", name="<b>Lens</b>", website="https://app.example")
    return pb.BeginAuthorizationResponse(
        app=app, owner="maker", redirect_uri=CALLBACK, scopes=["read", "write"], username=username, error_uri=error_uri
    )


@pytest.fixture
async def browser(anonymous: Client, world: World) -> Client:
    """Sees what the service says to somebody who is not logged in, until its cookie says otherwise."""

    def begin(request: pb.BeginAuthorizationRequest) -> pb.BeginAuthorizationResponse:
        return asked("ada" if request.browser_token == BROWSER else "")

    world.oauth.answer("BeginAuthorization", begin)
    world.oauth.answer("LogInBrowser", pb.LogInBrowserResponse(browser_token=BROWSER, expires_in_seconds=60))
    world.oauth.answer("PassSecondFactor", pb.PassSecondFactorResponse(browser_token=BROWSER, expires_in_seconds=60))
    world.oauth.answer("DecideAuthorization", pb.DecideAuthorizationResponse(redirect_uri=f"{CALLBACK}?code=c"))
    return anonymous


async def form(browser: Client) -> Forms:
    return Forms((await browser.get(PAGE)).text)


async def send(browser: Client, step: str, page: Forms | None = None, **fields: str) -> httpx.Response:
    page = page or await form(browser)
    return await browser.post(page.action, data={**page.fields, "step": step, **fields})


async def logged_in(browser: Client) -> Forms:
    await send(browser, "log-in", login="ada", password="right")
    return await form(browser)


async def test_the_page_is_plain_and_locked_up(browser: Client):
    response = await browser.get(PAGE)
    assert response.status_code == 200
    assert not set(Forms(response.text).tags) & {"script", "iframe", "img", "link", "object"}
    assert not re.search(r"\son\w+=|javascript:", response.text)
    assert "<b>Lens" not in response.text
    policy = response.headers["content-security-policy"]
    assert "script" not in policy
    for part in ("default-src 'none'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"):
        assert part in policy
    assert "unsafe" not in policy
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["referrer-policy"] == "no-referrer"
    assert response.headers["x-frame-options"] == "DENY"


async def test_log_in_and_consent_lead_to_the_app(browser: Client, world: World):
    entered = await send(browser, "log-in", login="ada", password="right")
    assert (entered.status_code, entered.headers["location"]) == (303, PAGE)
    shown = await browser.get(PAGE)
    assert "@ada" in shown.text
    assert "&lt;b&gt;Lens" in shown.text
    assert "See what you can see" in shown.text
    assert "app.example" in shown.text
    assert "form-action 'self' https:;" in shown.headers["content-security-policy"] + ";"
    allowed = await send(browser, "allow", Forms(shown.text))
    assert (allowed.status_code, allowed.headers["location"]) == (303, f"{CALLBACK}?code=c")
    (decided,) = world.oauth.asked(pb.DecideAuthorizationRequest)
    assert (decided.allowed, decided.browser_token, decided.issuer) == (True, BROWSER, "http://api.test")
    assert {one.name: one.value for one in decided.parameters}["state"] == '"><script>'


async def test_saying_no_is_told(browser: Client, world: World):
    page = await logged_in(browser)
    await send(browser, "deny", page)
    assert not world.oauth.asked(pb.DecideAuthorizationRequest)[0].allowed


async def test_a_second_factor_is_asked_for_in_plain_forms(browser: Client, world: World):
    challenge = pb.LogInBrowserResponse(ticket="hgt_t", methods=["totp", "recovery_code", "passkey"])
    world.oauth.answer("LogInBrowser", challenge)
    second = await send(browser, "log-in", login="ada", password="right")
    assert (second.status_code, LOGIN in second.cookies) == (200, False)
    assert "Passkeys need script" in second.text
    world.oauth.answer("PassSecondFactor", Unauthenticated("BAD_SECOND_FACTOR", "no"))
    wrong = await send(browser, "second-factor", Forms(second.text), code="000000")
    assert wrong.status_code == 401
    assert "That code is not right" in wrong.text
    world.oauth.answer("PassSecondFactor", pb.PassSecondFactorResponse(browser_token=BROWSER, expires_in_seconds=60))
    entered = await send(browser, "second-factor", Forms(wrong.text), recovery_code="abcd")
    assert (entered.status_code, entered.cookies[LOGIN]) == (303, BROWSER)
    told = world.oauth.asked(pb.PassSecondFactorRequest)[-1]
    assert (told.ticket, told.code, told.recovery_code, told.address) == ("hgt_t", "", "abcd", "203.0.113.7")


@pytest.mark.parametrize(
    ("error", "status", "words"),
    [
        (Unauthenticated("BAD_CREDENTIALS", "x"), 401, "wrong"),
        (ResourceExhausted("TOO_MANY_ATTEMPTS", "x", retry_after=9), 429, "Wait"),
    ],
)
async def test_what_went_wrong_is_said_on_the_page(
    browser: Client, world: World, error: Exception, status: int, words: str
):
    world.oauth.answer("LogInBrowser", error)
    response = await send(browser, "log-in", login='"><script>', password="wrong")
    assert response.status_code == status
    assert words in response.text
    assert "<script>" not in response.text
    assert "wrong&#34;" not in response.text
    assert ("retry-after" in response.headers) is (status == 429)


async def test_a_request_that_proves_nothing_leads_nowhere(browser: Client, world: World):
    world.oauth.answer("BeginAuthorization", InvalidArgument("BAD_AUTHORIZATION_REQUEST", "The app is not known"))
    for response in (await browser.get(PAGE), await browser.get("/oauth/authorize")):
        assert response.status_code == 400
        assert "The app is not known" in response.text
        assert "location" not in response.headers
    broken = await browser.get("/oauth/authorize?state=%ff")
    assert broken.status_code == 400


async def test_a_fault_is_told_to_the_app_only_once_somebody_is_logged_in(browser: Client, world: World):
    """Else any link to us would be a link to wherever an app lives."""
    told = f"{CALLBACK}?error=invalid_scope"
    world.oauth.answer("BeginAuthorization", asked(error_uri=told))
    shown = await browser.get(PAGE)
    assert (shown.status_code, "Password" in shown.text) == (200, True)
    world.oauth.answer("BeginAuthorization", asked("ada", error_uri=told))
    assert (await browser.get(PAGE)).headers["location"] == told


async def test_forms_of_other_places_are_not_believed(browser: Client, world: World, app: ASGIApp):
    page = await logged_in(browser)
    genuine = {**page.fields, "step": "allow"}
    elsewhere = PAGE + "&scope=email"
    for path, fields, headers in (
        (PAGE, {**genuine, "token": ""}, {}),
        (PAGE, {"step": "allow"}, {}),
        (PAGE, {**genuine, "token": "x" * 43}, {}),
        (PAGE, {**genuine, "token": "ü"}, {}),
        (elsewhere, genuine, {}),
        (PAGE, genuine, {"Origin": "https://evil.example"}),
        (PAGE, genuine, {"Origin": "http://api.test.evil.example"}),
        (PAGE, genuine, {"Origin": "null"}),
        (PAGE, genuine, {"Origin": "null", "Sec-Fetch-Site": "cross-site"}),
        (PAGE, genuine, {"Sec-Fetch-Site": "same-site"}),
        (PAGE, genuine, {"Sec-Fetch-Site": "none"}),
    ):
        response = await browser.post(path, data=fields, headers=headers)
        assert response.status_code == 403, (path, fields, headers)
    stranger = await world.client(app)
    assert (await stranger.post(PAGE, data=genuine)).status_code == 403
    await stranger.get(PAGE)
    assert (await stranger.post(PAGE, data=genuine)).status_code == 403
    assert not world.oauth.asked(pb.DecideAuthorizationRequest)
    for headers in ({}, {"Origin": "http://api.test"}, {"Origin": "null", "Sec-Fetch-Site": "same-origin"}):
        assert (await browser.post(PAGE, data=genuine, headers=headers)).status_code == 303


async def test_logging_in_needs_the_pages_token_too(browser: Client, world: World):
    """Else anybody could log people in to an account of their own."""
    response = await browser.post(PAGE, data={"step": "log-in", "login": "mallory", "password": "right"})
    assert response.status_code == 403
    assert not world.oauth.asked(pb.LogInBrowserRequest)
    assert LOGIN not in browser.cookies


async def test_a_log_in_makes_all_that_was_before_it_worthless(browser: Client):
    before = await form(browser)
    planted = browser.cookies[FORM]
    page = await logged_in(browser)
    assert browser.cookies[FORM] != planted
    assert (await send(browser, "allow", before)).status_code == 403
    browser.cookies.set(FORM, planted, domain="api.test")
    assert (await send(browser, "allow", page)).status_code == 403


async def test_another_account_may_be_used(browser: Client, world: World):
    page = await logged_in(browser)
    response = await send(browser, "switch", page)
    assert (response.status_code, response.headers["location"]) == (303, PAGE)
    assert world.oauth.asked(pb.LogOutBrowserRequest)[0].browser_token == BROWSER
    assert LOGIN not in browser.cookies


@pytest.fixture
async def secure(world: World) -> AsyncIterator[Client]:
    """A browser of an installation that is reached by https."""
    app, _ = await world.gateway(public_url="https://heliograph.test")
    async with AsyncExitStack() as stack:
        transport = httpx.ASGITransport(app)
        yield await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="https://heliograph.test")
        )


async def test_a_browser_is_known_again_at_its_next_log_in(browser: Client, world: World):
    device = "hgd_" + "A" * 43
    entered = pb.LogInBrowserResponse(browser_token=BROWSER, expires_in_seconds=60, device_token=device)
    world.oauth.answer("LogInBrowser", entered)
    for _ in range(2):
        await send(browser, "log-in", login="ada", password="right")
    assert [asked.device_token for asked in world.oauth.asked(pb.LogInBrowserRequest)] == ["", device]


async def test_cookies_are_this_hosts_alone(browser: Client, secure: Client):
    for client, prefix in ((browser, ""), (secure, "__Host-")):
        page = Forms((response := await client.get(PAGE)).text)
        set_cookies = response.headers.get_list("set-cookie")
        entered = await client.post(page.action, data={**page.fields, "step": "log-in", "login": "a", "password": "b"})
        set_cookies += entered.headers.get_list("set-cookie")
        assert {one.partition("=")[0] for one in set_cookies} == {
            f"{prefix}heliograph-{kind}" for kind in ("form", "login")
        }
        for one in set_cookies:
            assert {"HttpOnly", "Path=/", "SameSite=lax"} <= set(one.split("; "))
            assert ("Secure" in one) is bool(prefix)
            assert "Domain" not in one


async def test_an_outage_is_a_page_too(browser: Client, world: World):
    world.oauth.answer("BeginAuthorization", Unavailable("POSTGRES_UNAVAILABLE", "down", retry_after=1))
    response = await browser.get(PAGE)
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert response.headers["content-type"].startswith("text/html")
