"""The whole way of an app through a real browser that runs no script: log-in, second factor, consent, and back."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from playwright.async_api import Page
from support.chromium import page_without_script
from support.factors import Guarded, guarded
from support.oauth import Lens
from support.rest import PASSWORD, join


@dataclass
class Callback:
    """An app on this machine, listening at a port that it chose just now (RFC 8252, section 7.3)."""

    port: int
    seen: list[str] = field(default_factory=list[str])

    @property
    def uri(self) -> str:
        return f"http://127.0.0.1:{self.port}/cb"

    def told(self) -> dict[str, str]:
        """By the last visit."""
        found = parse_qs(urlsplit(self.seen[-1]).query)
        return {name: values[0] for name, values in found.items()}


@pytest.fixture
async def callback() -> AsyncGenerator[Callback]:
    seen: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode()
        if path.startswith("/cb"):
            seen.append(path)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\nback in the app")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        yield Callback(server.sockets[0].getsockname()[1], seen)


@pytest.fixture
async def page() -> AsyncGenerator[Page]:
    async with page_without_script() as page:
        page.set_default_timeout(20_000)
        yield page


@pytest.fixture
async def person(http: httpx.AsyncClient) -> Guarded:
    """Whose account asks for a second factor."""
    return await guarded(http, "walker")


@pytest.fixture
async def lens(http: httpx.AsyncClient) -> Lens:
    maker = await join(http, "maker")
    body = {
        "name": "Lens", "client_type": "public", "redirect_uris": ["http://127.0.0.1/cb"], "scopes": ["read", "write"],
    }  # fmt: skip
    app = (await maker.post("/v1/apps", body)).raise_for_status().json()
    return Lens(http, app["id"], app["client_id"], "", "read write")


async def begin(page: Page, base_url: str, lens: Lens, callback: Callback) -> None:
    await page.goto(base_url + lens.page({"redirect_uri": callback.uri}))


async def enter(page: Page, person: Guarded, **code: str) -> None:
    await page.get_by_label("Username or e-mail address").fill(person.person.username)
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    for label, value in code.items():
        await page.get_by_label(label.replace("_", " ")).fill(value)


async def test_an_app_is_let_in(page: Page, base_url: str, lens: Lens, callback: Callback, person: Guarded):
    await begin(page, base_url, lens, callback)
    await enter(page, person)
    await page.get_by_label("Code of your authenticator app").fill(person.wrong_code())
    await page.get_by_role("button", name="Go on").click()
    assert "That code is not right" in await page.inner_text("main")
    await page.get_by_label("Code of your authenticator app").fill(person.code())
    await page.get_by_role("button", name="Go on").click()
    asked = await page.inner_text("main")
    assert "Let Lens in?" in asked
    assert f"@{person.person.username}" in asked
    assert "on your device" in asked
    await page.get_by_role("button", name="Allow").click()
    await page.wait_for_url(f"{callback.uri}?*")
    assert await page.inner_text("body") == "back in the app"
    told = callback.told()
    assert (told["state"], told["iss"]) == ("s-1", base_url)
    given = (await lens.redeem(told["code"], redirect_uri=callback.uri)).raise_for_status().json()
    mine = await lens.http.get("/v1/me", headers={"Authorization": f"Bearer {given['access_token']}"})
    assert mine.json()["username"] == person.person.username


async def test_who_is_logged_in_is_asked_again_and_may_say_no(
    page: Page, base_url: str, lens: Lens, callback: Callback, person: Guarded
):
    await begin(page, base_url, lens, callback)
    await enter(page, person)
    await page.get_by_label("Recovery code").fill(person.recovery_code())
    await page.get_by_role("button", name="Use the recovery code").click()
    await page.get_by_role("button", name="Deny").click()
    await page.wait_for_url(f"{callback.uri}?*")
    assert callback.told()["error"] == "access_denied"
    await begin(page, base_url, lens, callback)
    assert "Let Lens in?" in await page.inner_text("main")
    await page.get_by_role("button", name="Use another account").click()
    assert await page.get_by_label("Password").is_visible()
    names = {cookie.get("name") for cookie in await page.context.cookies()}
    assert "heliograph-login" not in names


async def test_a_page_of_somebody_elses_can_send_none_of_our_forms(
    page: Page, base_url: str, lens: Lens, callback: Callback, person: Guarded
):
    """The browser itself keeps our cookies from it."""
    await begin(page, base_url, lens, callback)
    await enter(page, person)
    await page.get_by_label("Recovery code").fill(person.recovery_code())
    await page.get_by_role("button", name="Use the recovery code").click()
    token = await page.locator("input[name=token]").first.get_attribute("value")
    target = base_url + lens.page({"redirect_uri": callback.uri})
    form = (
        f'<form method="post" action="{target.replace("&", "&amp;")}"><input name="token" value="{token}">'
        '<button name="step" value="allow">A kitten</button></form>'
    )
    elsewhere = callback.uri.replace("127.0.0.1", "localhost").replace("/cb", "/kitten")

    await page.route("**/kitten", lambda route: route.fulfill(body=form, content_type="text/html"))
    await page.goto(elsewhere)
    await page.get_by_role("button", name="A kitten").click()
    await page.get_by_text("not from here").wait_for()
    assert callback.seen == []
