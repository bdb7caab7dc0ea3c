"""Logs: one JSON object a line, joined by the trace, and nothing in them that belongs to a person."""

import asyncio
import base64
import json
import re
import secrets
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from kit.testing import eventually
from support.factors import Guarded, guarded
from support.observed import PROCESSES, Observed
from support.rest import PASSWORD, Person, join, photo

ADDRESS = "203.0.113.77"
AGENT = f"Agent-{secrets.token_hex(8)}"
_ENDS = 16  # of a secret's last characters: enough to know it by, where a line holds it cut


@dataclass
class Lived:
    """`secrets` by what they are, as people said and got them in the meantime."""

    observed: Observed
    http: httpx.AsyncClient
    secrets: dict[str, str] = field(default_factory=dict[str, str])

    def keep(self, name: str, value: str) -> str:
        assert len(value) >= 8, f"{name} would be found by chance"
        self.secrets[name] = value
        return value

    def said(self, name: str) -> str:
        """Words that nobody has said before."""
        return self.keep(name, f"{name} {secrets.token_hex(8)}")


@pytest.fixture
async def lived(observed: Observed) -> AsyncGenerator[Lived]:
    told = {"X-Forwarded-For": ADDRESS, "User-Agent": AGENT}
    async with httpx.AsyncClient(base_url=observed.stack.url, headers=told, timeout=30) as http:
        life = Lived(observed, http, {"address": ADDRESS, "agent": AGENT, "password": PASSWORD})
        author, reader = await join(http, "author"), await join(http, "reader")
        await _live(life, author, reader)
        yield life


async def _live(life: Lived, author: Person, reader: Person) -> None:
    for person in (author, reader):
        life.keep(f"mail of {person.username}", f"{person.username}@example.org")
        life.keep(f"access token of {person.username}", person.access_token)
        life.keep(f"refresh token of {person.username}", person.refresh_token)
    (await reader.put(f"/v1/users/{author.id}/follow")).raise_for_status()
    await _sign_in(life, author, await guarded(life.http, "guarded"))
    post = await _post(life, author)
    comment = {"text": life.said("comment")}
    (await reader.post(f"/v1/posts/{post['id']}/comments", comment)).raise_for_status()
    await reader.get("/v1/search", q=life.said("question"), type="posts")
    await author.patch("/v1/me", {"bio": life.said("bio"), "name": life.said("name")})
    await _letter(life, author)


async def _sign_in(life: Lived, author: Person, careful: Guarded) -> None:
    """Rightly, wrongly, with a second factor, and with what is no token."""
    life.keep("factor", base64.b32encode(careful.secret).decode().rstrip("="))
    life.keep("recovery code", careful.codes[0])
    life.keep("ticket", await careful.ticket())
    await careful.enter()
    life.keep("wrong password", wrong := f"wrong {secrets.token_hex(8)}")
    answer = await life.http.post("/v1/sessions", json={"login": f"{author.username}@example.org", "password": wrong})
    assert answer.status_code == 401
    taken = {"username": "other_" + secrets.token_hex(4), "email": f"{author.username}@example.org"}
    await life.http.post("/v1/accounts", json={**taken, "password": life.said("password of nobody")})
    body = {"refresh_token": author.refresh_token}
    renewed = (await life.http.post("/v1/sessions/refresh", json=body)).raise_for_status().json()
    life.keep("renewed token", renewed["access_token"])
    forged = life.keep("forged token", f"eyJhbGciOiJFZERTQSJ9.{secrets.token_hex(20)}.{secrets.token_hex(20)}")
    await life.http.get("/v1/me", headers={"Authorization": f"Bearer {forged}"})


async def _post(life: Lived, author: Person) -> Mapping[str, Any]:
    """For followers, so that its files have signed addresses."""
    fields = {"caption": life.said("caption"), "title": life.said("title"), "audience": "followers"}
    made = await author.publish(photo(), **fields)

    async def variants() -> list[dict[str, str]]:
        return (await author.get(f"/v1/posts/{made['id']}")).json()["media"][0]["variants"]

    url = (await eventually(variants, timeout=60))[0]["url"]
    life.keep("signature", url.rpartition("=")[2])
    assert (await life.http.get(url)).status_code == 200
    await life.http.get(url[:-2])
    return made


async def _letter(life: Lived, author: Person) -> None:
    recipient = f"{author.username}@example.org"

    async def arrived() -> list[dict[str, Any]]:
        return await asyncio.to_thread(life.observed.stack.mails, recipient)

    text = (await eventually(arrived, timeout=30))[0]["text"]
    life.keep("token of a letter", re.findall(r"#token=([\w-]+)", text)[0])


def lines_of(observed: Observed) -> dict[str, str]:
    return {name: observed.stack.log(name) for name in PROCESSES}


async def test_no_log_and_no_span_holds_what_belongs_to_a_person(lived: Lived):
    logs = lines_of(lived.observed)
    spans = "\n".join(str(span) for span in lived.observed.collector.spans())
    assert all(logs.values())
    assert spans
    leaks = [
        (place, name)
        for place, text in {**logs, "spans": spans}.items()
        for name, secret in lived.secrets.items()
        if secret in text or secret[-_ENDS:] in text
    ]
    assert not leaks


async def test_every_line_is_json_and_says_who_wrote_it(lived: Lived):
    for name, text in lines_of(lived.observed).items():
        for line in text.splitlines():
            assert line.startswith("{"), (name, line)
            assert {"event", "level", "service", "timestamp"} <= json.loads(line).keys(), (name, line)


async def test_a_trace_joins_the_lines_of_gateway_services_and_workers(lived: Lived):
    author = await join(lived.http, "joined")
    medium = await author.upload(photo(48, 48))
    made = (await author.post("/v1/posts", {"media_ids": [medium]})).raise_for_status()
    trace = made.headers["traceparent"].split("-")[1]

    async def joined() -> bool:
        found = {name for name, text in lines_of(lived.observed).items() if trace in text}
        assert found >= {"gateway", "post", "fanout", "push", "index"}
        return True

    await eventually(joined, timeout=60)
