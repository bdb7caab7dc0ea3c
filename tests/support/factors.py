"""People with a second factor, over REST."""

import base64
import re
import time
from dataclasses import dataclass, replace
from typing import Any

import httpx
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP

from support.authenticator import Authenticator
from support.rest import PASSWORD, Json, Person, join

_STEP_SECONDS = 30


@dataclass
class Guarded:
    """Somebody whose account asks for a code of an app. `codes` are recovery codes that were not used."""

    person: Person
    secret: bytes
    codes: list[str]
    last_step: int

    @property
    def http(self) -> httpx.AsyncClient:
        return self.person.http

    def code(self) -> str:
        """One that the service takes once: each is of a later step than the one before."""
        self.last_step = max(int(time.time()) // _STEP_SECONDS - 1, self.last_step + 1)
        return HOTP(self.secret, 6, SHA1()).generate(self.last_step).decode()

    def wrong_code(self) -> str:
        """Of no step near now."""
        now = int(time.time()) // _STEP_SECONDS
        near = {HOTP(self.secret, 6, SHA1()).generate(now + steps).decode() for steps in range(-4, 5)}
        return next(code for code in map("{:06}".format, range(20)) if code not in near)

    def recovery_code(self) -> str:
        return self.codes.pop()

    async def start(self, password: str = PASSWORD, **said: Any) -> httpx.Response:
        body = {"login": self.person.username, "password": password, **said}
        return await self.http.post("/v1/sessions", json=body)

    async def ticket(self, password: str = PASSWORD, **said: Any) -> str:
        """The password was right."""
        answer = await self.start(password, **said)
        assert answer.status_code == 202, answer.text
        return answer.json()["second_factor"]["ticket"]

    async def prove(self, ticket: str, **proof: Any) -> httpx.Response:
        return await self.http.post("/v1/sessions/second-factor", json={"ticket": ticket, **proof})

    async def enter(self, password: str = PASSWORD, *, cancel_deletion: bool = False) -> None:
        """Log in as its owner does, in place of the session of before."""
        ticket, code = await self.ticket(password), self.recovery_code()
        answer = await self.prove(ticket, recovery_code=code, cancel_deletion=cancel_deletion)
        tokens = answer.raise_for_status().json()
        self.person = replace(self.person, access_token=tokens["access_token"], refresh_token=tokens["refresh_token"])

    async def sessions(self) -> set[str]:
        """Every log-in is one of these, those of browsers too; apps have a list of their own."""
        answer = (await self.person.get("/v1/sessions", limit=100)).raise_for_status().json()
        assert answer["next"] is None
        return {item["id"] for item in answer["items"]}

    async def add_passkey(self, device: Authenticator) -> None:
        given = {"password": PASSWORD, "recovery_code": self.recovery_code()}
        begun = (await self.person.post("/v1/me/passkeys/options", given)).raise_for_status().json()
        body = {"ticket": begun["ticket"], "credential": device.create(begun["options"])}
        (await self.person.post("/v1/me/passkeys", body)).raise_for_status()


async def guarded(http: httpx.AsyncClient, name: str = "guarded") -> Guarded:
    """Somebody new who has turned codes of an app on."""
    person = await join(http, name)
    begun = (await person.post("/v1/me/totp", {"password": PASSWORD})).raise_for_status().json()
    found = Guarded(person, base64.b32decode(begun["secret"]), [], 0)
    confirmed = await person.post("/v1/me/totp/confirm", {"code": found.code()})
    found.codes = list(confirmed.raise_for_status().json()["recovery_codes"])
    return found


# What a token, a code or a cookie of a log-in looks like, wherever in an answer it stands.
_GRANTS = re.compile(r"eyJ[\w-]{20,}\.[\w-]{20,}\.[\w-]+|hg[rbc]_[\w-]{20,}|access_token|refresh_token|[?&]code=")


def grants(answer: httpx.Response) -> bool:
    """Whether an answer hands out what lets somebody in."""
    told = [answer.text, *(f"{name}: {value}" for name, value in answer.headers.multi_items())]
    return any(_GRANTS.search(text) for text in told)


def fields_of(page: str, step: str) -> Json:
    """The hidden fields of the form of a page that has this step."""
    form = next(form for form in re.findall(r"<form.*?</form>", page, re.DOTALL) if f'value="{step}"' in form)
    hidden = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', form)
    return {**dict(hidden), "step": step}
