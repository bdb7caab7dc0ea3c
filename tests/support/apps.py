"""An app of somebody else's that a person lets in, by the pages and calls that apps really use."""

import base64
import hashlib
import re
import secrets
from collections.abc import Sequence
from html import unescape
from urllib.parse import parse_qs, urlsplit

import httpx

from support.rest import PASSWORD, Json, Person

REDIRECT = "http://127.0.0.1:9/back"


async def app_token(person: Person, scopes: Sequence[str]) -> str:
    """An access token with these scopes alone."""
    body: Json = {"name": "Lens", "client_type": "public", "redirect_uris": [REDIRECT], "scopes": list(scopes)}
    app: Json = (await person.post("/v1/apps", body)).raise_for_status().json()
    verifier = secrets.token_urlsafe(48)
    code = await _code(person, app["client_id"], scopes, verifier)
    form = {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": REDIRECT,
        "client_id": app["client_id"],
        "code_verifier": verifier,
    }
    return (await person.http.post("/oauth/token", data=form)).raise_for_status().json()["access_token"]


async def _code(person: Person, client_id: str, scopes: Sequence[str], verifier: str) -> str:
    asked = {
        "response_type": "code",
        "client_id": client_id,
        "redirect_uri": REDIRECT,
        "scope": " ".join(scopes),
        "state": "s",
        "code_challenge": base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    async with httpx.AsyncClient(base_url=person.http.base_url, timeout=15, follow_redirects=True) as browser:
        page = await browser.get("/oauth/authorize", params=asked)
        page = await _submit(browser, page, step="log-in", login=person.username, password=PASSWORD)
        browser.follow_redirects = False
        answer = await _submit(browser, page, step="allow")
    return parse_qs(urlsplit(answer.headers["location"]).query)["code"][0]


async def _submit(browser: httpx.AsyncClient, page: httpx.Response, **fields: str) -> httpx.Response:
    action = re.search(r'<form method="post" action="([^"]+)"', page.raise_for_status().text)
    token = re.search(r'name="token" value="([^"]+)"', page.text)
    assert action, page.text
    assert token, page.text
    origin = str(page.url.copy_with(path="/", query=None, fragment=None)).rstrip("/")
    return await browser.post(
        unescape(action[1]), data={"token": unescape(token[1]), **fields}, headers={"Origin": origin}
    )
