"""An app of other people's and the browser of somebody who uses it, over HTTP alone."""

import base64
import hashlib
import re
import secrets
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import unescape
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from support.rest import PASSWORD, Json, Person

CALLBACK = "https://lens.example.org/cb"
NOTHING: Mapping[str, str | None] = {}


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


@dataclass
class Lens:
    """The app. `secret` is empty when it is a public one."""

    http: httpx.AsyncClient
    id: str
    client_id: str
    secret: str
    scope: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def page(self, changes: Mapping[str, str | None] = NOTHING) -> str:
        """Where it sends people."""
        asked = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "scope": self.scope,
            "state": "s-1",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            **changes,
        }
        return "/oauth/authorize?" + urlencode({name: value for name, value in asked.items() if value is not None})

    @property
    def auth(self) -> tuple[str, str] | None:
        return (self.client_id, self.secret) if self.secret else None

    async def call(self, endpoint: str, values: Mapping[str, str]) -> httpx.Response:
        known = values if self.secret else {**values, "client_id": self.client_id}
        request = self.http.build_request("POST", f"/oauth/{endpoint}", data=dict(known))
        return await self.http.send(request, auth=self.auth or httpx.Auth())

    async def redeem(self, code: str, **changes: str) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": CALLBACK,
            "code_verifier": self.verifier,
        }
        return await self.call("token", {**form, **changes})

    async def refresh(self, token: str, **changes: str) -> httpx.Response:
        return await self.call("token", {"grant_type": "refresh_token", "refresh_token": token, **changes})


async def make_app(maker: Person, *, confidential: bool = True, scopes: tuple[str, ...] = ("read", "write")) -> Lens:
    kind = "confidential" if confidential else "public"
    body: Json = {"name": "Lens", "client_type": kind, "redirect_uris": [CALLBACK], "scopes": list(scopes)}
    app = (await maker.post("/v1/apps", body)).raise_for_status().json()
    return Lens(maker.http, app["id"], app["client_id"], app["client_secret"] or "", " ".join(scopes))


@dataclass
class Page:
    """A page with a form, whose buttons are pressed by their `step`."""

    browser: httpx.AsyncClient
    answer: httpx.Response

    @property
    def form(self) -> tuple[str, dict[str, str]]:
        """Where it goes, and its hidden fields."""
        action = re.search(r'<form method="post" action="([^"]+)"', self.answer.text)
        assert action, self.answer.text
        hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', self.answer.text)
        return unescape(action[1]), {name: unescape(value) for name, value in hidden}

    async def press(self, step: str, **fields: str) -> httpx.Response:
        action, hidden = self.form
        return await self.browser.post(action, data={**hidden, "step": step, **fields})


@asynccontextmanager
async def browser_at(base_url: str) -> AsyncGenerator[httpx.AsyncClient]:
    """Follows no redirect by itself."""
    async with httpx.AsyncClient(base_url=base_url, timeout=15) as browser:
        yield browser


async def visit(browser: httpx.AsyncClient, address: str) -> Page:
    return Page(browser, await browser.get(address))


async def log_in(browser: httpx.AsyncClient, lens: Lens, person: Person) -> Page:
    """To the page that asks for consent."""
    answer = await (await visit(browser, lens.page())).press("log-in", login=person.username, password=PASSWORD)
    assert answer.status_code == 303, answer.text
    return await visit(browser, answer.headers["location"])


async def app_token(person: Person, scopes: Sequence[str]) -> str:
    """Of an app of theirs that they let in: an access token with these scopes alone."""
    lens = await make_app(person, confidential=False, scopes=tuple(scopes))
    async with browser_at(str(person.http.base_url)) as browser:
        code = told(await (await log_in(browser, lens, person)).press("allow"))["code"]
    return (await lens.redeem(code)).raise_for_status().json()["access_token"]


async def code_for(browser: httpx.AsyncClient, lens: Lens) -> str:
    """In a browser in which somebody is logged in."""
    return told(await (await visit(browser, lens.page())).press("allow"))["code"]


def told(answer: httpx.Response) -> dict[str, str]:
    """What the app is told by a redirect to it."""
    assert answer.status_code == 303, answer.text
    location = answer.headers["location"]
    assert location.startswith(CALLBACK + "?"), location
    return {name: values[0] for name, values in parse_qs(urlsplit(location).query).items()}


def refused(answer: httpx.Response, error: str, status: int = 400) -> None:
    """In the words of RFC 6749, with no token in them."""
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.json().keys() <= {"error", "error_description"}
    assert answer.headers["cache-control"] == "no-store"
