"""Where the links of letters lead, in a real browser."""

import asyncio
import re
from collections.abc import AsyncGenerator

import httpx
import pytest
from devstack.testing import Stack
from kit.testing import eventually
from playwright.async_api import Page, async_playwright, expect
from support.chromium import program
from support.rest import join

NEW_PASSWORD = "tropical storm over lisbon"


@pytest.fixture
async def page() -> AsyncGenerator[Page]:
    """Of a browser that runs script, as these pages need."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=program(), args=["--no-sandbox"])
        page = await browser.new_page()
        page.set_default_timeout(20_000)
        yield page
        await browser.close()


async def link(stack: Stack, recipient: str, subject: str) -> str:
    async def arrived() -> str | None:
        found = await asyncio.to_thread(stack.mails, recipient)
        texts = [one["text"] for one in found if one["subject"] == subject]
        return re.findall(r"http\S+", texts[0])[0] if texts else None

    return await eventually(arrived, timeout=20)


async def test_an_address_is_confirmed_by_a_button_and_not_by_looking(
    http: httpx.AsyncClient, stack: Stack, page: Page
):
    anna = await join(http, "anna")
    address, requests = await link(stack, f"{anna.username}@example.org", "Confirm your e-mail address"), list[str]()
    page.on("request", lambda request: requests.append(request.url))
    await page.goto(address)
    await expect(page.get_by_role("button")).to_be_visible()
    assert page.url == address.partition("#")[0]
    assert (await anna.get("/v1/me")).json()["email_verified"] is False
    await page.get_by_role("button").click()
    await expect(page.get_by_text("Your address is confirmed.")).to_be_visible()
    assert (await anna.get("/v1/me")).json()["email_verified"] is True
    assert not any("hgm_" in url.partition("#")[0] for url in requests)


async def test_a_password_is_set_on_the_page_of_its_letter(http: httpx.AsyncClient, stack: Stack, page: Page):
    anna = await join(http, "anna")
    address = f"{anna.username}@example.org"
    await http.post("/v1/password/forgot", json={"email": address})
    await page.goto(await link(stack, address, "Set a new password"))
    for password in ("password1", NEW_PASSWORD):
        await page.get_by_label("New password").fill(password)
        await page.get_by_role("button").click()
        told = "most common" if password == "password1" else "Your new password is set"
        await expect(page.get_by_role("status")).to_contain_text(told)
    session = await http.post("/v1/sessions", json={"login": address, "password": NEW_PASSWORD})
    assert session.status_code == 201


async def test_a_link_without_its_token_says_so(stack: Stack, page: Page):
    await page.goto(f"{stack.url}/account/verify-email")
    await expect(page.get_by_text("needs the whole link")).to_be_visible()
    await expect(page.get_by_role("button")).to_be_hidden()
