"""An app of other people's, and the browser of somebody who uses it."""

import base64
import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from heliograph.user.v1 import oauth_pb2 as pb
from heliograph.user.v1.oauth_pb2_grpc import OAuthServiceStub

ISSUER = "https://heliograph.test"
CALLBACK = "https://app.example/cb"
PASSWORD = "correct horse"
NOTHING: Mapping[str, str | None] = {}


def challenge_of(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def parameters(values: Mapping[str, str]) -> list[pb.Parameter]:
    return [pb.Parameter(name=name, value=value) for name, value in values.items()]


@dataclass(frozen=True)
class Said:
    """What a protocol endpoint answered."""

    status: int
    body: dict[str, Any]
    challenge: str

    @property
    def error(self) -> str:
        return str(self.body.get("error", ""))


@dataclass
class Client:
    """An app, as its makers run it. `secret` is empty for a public one."""

    oauth: OAuthServiceStub
    app: pb.App
    secret: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def asks(self, changes: Mapping[str, str | None] = NOTHING) -> dict[str, str]:
        """Parameters of the authorization request."""
        asked = {
            "response_type": "code",
            "client_id": self.app.client_id,
            "redirect_uri": CALLBACK,
            "scope": "read write",
            "state": "s 1",
            "code_challenge": challenge_of(self.verifier),
            "code_challenge_method": "S256",
            **changes,
        }
        return {name: value for name, value in asked.items() if value is not None}

    async def begin(
        self, browser: str = "", changes: Mapping[str, str | None] = NOTHING
    ) -> pb.BeginAuthorizationResponse:
        asked = parameters(self.asks(changes))
        return await self.oauth.BeginAuthorization(
            pb.BeginAuthorizationRequest(parameters=asked, issuer=ISSUER, browser_token=browser)
        )

    async def decide(
        self, browser: str, changes: Mapping[str, str | None] = NOTHING, *, allowed: bool = True
    ) -> dict[str, str]:
        """What is told to the app."""
        asked = parameters(self.asks(changes))
        request = pb.DecideAuthorizationRequest(
            parameters=asked, issuer=ISSUER, browser_token=browser, allowed=allowed, address="192.0.2.9"
        )
        return told(await self.oauth.DecideAuthorization(request))

    async def code(self, browser: str, **changes: str | None) -> str:
        return (await self.decide(browser, changes))["code"]

    async def token(self, **values: str) -> Said:
        request = pb.IssueTokenRequest(parameters=parameters(self.known_by(values)), authorization=self.basic)
        return said((await self.oauth.IssueToken(request)).answer)

    async def redeem(self, code: str, **changes: str) -> Said:
        return await self.token(
            **{
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": CALLBACK,
                "code_verifier": self.verifier,
                **changes,
            }
        )

    async def refresh(self, token: str, **changes: str) -> Said:
        return await self.token(grant_type="refresh_token", refresh_token=token, **changes)

    async def revoke(self, token: str) -> Said:
        asked = parameters(self.known_by({"token": token}))
        return said(
            (await self.oauth.RevokeToken(pb.RevokeTokenRequest(parameters=asked, authorization=self.basic))).answer
        )

    async def introspect(self, token: str) -> Said:
        asked = parameters(self.known_by({"token": token}))
        request = pb.IntrospectTokenRequest(parameters=asked, authorization=self.basic)
        return said((await self.oauth.IntrospectToken(request)).answer)

    @property
    def basic(self) -> str:
        pair = f"{self.app.client_id}:{self.secret}"
        return "Basic " + base64.b64encode(pair.encode()).decode() if self.secret else ""

    def known_by(self, values: Mapping[str, str]) -> dict[str, str]:
        return {**values} if self.secret else {**values, "client_id": self.app.client_id}


async def make_app(
    oauth: OAuthServiceStub, owner: int, *, confidential: bool = True, request_id: str = "", **changes: Any
) -> Client:
    kind = pb.CLIENT_TYPE_CONFIDENTIAL if confidential else pb.CLIENT_TYPE_PUBLIC
    values: dict[str, Any] = {
        "name": "Lens",
        "redirect_uris": [CALLBACK],
        "scopes": ["read", "write", "email"],
        **changes,
    }
    made = await oauth.CreateApp(
        pb.CreateAppRequest(viewer_id=owner, app=pb.App(client_type=kind, **values), request_id=request_id)
    )
    return Client(oauth, made.app, made.client_secret)


async def log_in(oauth: OAuthServiceStub, login: str = "anna") -> str:
    """The browser's token."""
    request = pb.LogInBrowserRequest(login=login, password=PASSWORD, user_agent="Lynx", address="192.0.2.9")
    return (await oauth.LogInBrowser(request)).browser_token


def told(answer: pb.DecideAuthorizationResponse) -> dict[str, str]:
    return query_of(answer.redirect_uri)


def query_of(uri: str) -> dict[str, str]:
    return {name: values[0] for name, values in parse_qs(urlsplit(uri).query, strict_parsing=True).items()}


def said(answer: pb.ProtocolAnswer) -> Said:
    return Said(answer.status, json.loads(answer.body), answer.www_authenticate)
