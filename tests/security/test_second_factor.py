"""No way in passes an account's second factor by.

Every RPC of the user service and every open route of the gateway is listed here with what is tried on it, or as one
that lets nobody in: a new one that is not listed fails the first tests. The others try each of them on an account that
asks for a code, with all that a thief of its password and of its mail would have, and look at what is handed out: no
tokens, no code, no cookie, and no session in the account's list.
"""

import base64
import hashlib
import importlib
import re
import secrets
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from devstack.testing import Stack
from gateway.app import build_api
from gateway.routing import Auth, GuardedRoute
from google.protobuf.descriptor import FileDescriptor
from kit.testing import eventually
from support.authenticator import Authenticator
from support.factors import Guarded, fields_of, grants, guarded
from support.rest import PASSWORD

PROTOS = Path(__file__).parents[2] / "protos"
NEW_PASSWORD = "another horse battery staple"
CALLBACK = "https://lens.example.org/cb"


@dataclass(frozen=True)
class Attack:
    """On somebody whose password and mail are known. `stack` shows the mail."""

    victim: Guarded
    stack: Stack

    @property
    def http(self) -> httpx.AsyncClient:
        return self.victim.http

    @property
    def email(self) -> str:
        return f"{self.victim.person.username}@example.org"

    async def post(self, path: str, body: object = None, **options: Any) -> httpx.Response:
        return await self.http.post(path, json=body, **options)

    async def letter_token(self, subject: str) -> str:
        """Of the last letter with this subject."""

        async def arrived() -> str | None:
            letters = [letter for letter in self.stack.mails(self.email) if letter["subject"] == subject]
            found = re.search(r"#token=(\S+)", letters[0]["text"]) if letters else None
            return found[1] if found else None

        return await eventually(arrived, timeout=30)


Way = Callable[[Attack], Awaitable[int | None]]
"""Answers how often the victim itself got in, with the factor."""


def refused(answer: httpx.Response, *statuses: int) -> None:
    assert answer.status_code in statuses, answer.text
    assert not grants(answer), answer.text


async def password(attack: Attack) -> None:
    """Brings a ticket and nothing more, which is good for the second step alone."""
    victim = attack.victim
    for login in (victim.person.username, attack.email):
        started = await attack.post("/v1/sessions", {"login": login, "password": PASSWORD})
        refused(started, 202)
    ticket = started.json()["second_factor"]["ticket"]
    for path in ("/v1/me", "/v1/sessions"):
        refused(await attack.http.get(path, headers={"Authorization": f"Bearer {ticket}"}), 401)
    refused(await attack.post("/v1/sessions/refresh", {"refresh_token": ticket}), 401)
    refused(await victim.start(device_token=ticket), 202)


async def second_factor(attack: Attack) -> int:
    """The ticket alone, with nothing, with too much, and with what is not this account's."""
    victim, other = attack.victim, await guarded(attack.http, "other")
    used = victim.code()
    assert grants(await victim.prove(await victim.ticket(), code=used)), "with the right code somebody gets in"
    ticket = await victim.ticket()
    for proof in ({}, {"code": "", "recovery_code": ""}, {"code": victim.wrong_code()}, {"code": used}):
        refused(await victim.prove(ticket, **proof), 401)
    ticket = await victim.ticket()
    refused(await victim.prove(ticket, code=other.code()), 401)
    refused(await victim.prove(ticket, recovery_code=other.recovery_code()), 401)
    refused(await victim.prove(ticket, code=victim.code(), recovery_code="x"), 401)
    code = victim.code()
    refused(await victim.prove(await other.ticket(), code=code), 401)
    refused(await victim.prove("hgt_" + secrets.token_urlsafe(36), code=code), 401)
    refused(await victim.prove(ticket[:-1] + ("A" if ticket[-1] != "A" else "B"), code=code), 401)
    return 1


async def after_use(attack: Attack) -> int:
    """A ticket and a recovery code are good once."""
    victim = attack.victim
    ticket, code = await victim.ticket(), victim.recovery_code()
    assert grants(await victim.prove(ticket, recovery_code=code))
    refused(await victim.prove(ticket, recovery_code=victim.recovery_code()), 401)
    refused(await victim.prove(await victim.ticket(), recovery_code=code), 401)
    return 1


async def passkey(attack: Attack) -> int:
    """Alone it needs its owner's finger; its challenge takes no other proof, nor that of a password a passkey alone."""
    victim = attack.victim
    origin = "http://localhost:" + attack.stack.url.rpartition(":")[2]
    careless, stranger = Authenticator(origin, verifies=False), Authenticator(origin)
    await victim.add_passkey(careless)
    stranger.rp_id, stranger.handle = careless.rp_id, careless.handle
    for device in (careless, stranger):
        begun = (await attack.post("/v1/sessions/passkey/options")).json()
        body = {"ticket": begun["ticket"], "assertion": device.get(begun["options"])}
        refused(await attack.post("/v1/sessions/passkey", body), 401)
    begun = (await attack.post("/v1/sessions/passkey/options")).json()
    refused(await victim.prove(begun["ticket"], code=victim.code()), 401)
    due = (await victim.start()).json()["second_factor"]
    careless.verifies = True
    body = {"ticket": due["ticket"], "assertion": careless.get(due["passkey_options"])}
    refused(await attack.post("/v1/sessions/passkey", body), 401)
    foreign = {**stranger.get(due["passkey_options"]), "id": careless.credential_id.hex()}
    refused(await victim.prove(due["ticket"], assertion=foreign), 401)
    begun = (await attack.post("/v1/sessions/passkey/options")).json()
    body = {"ticket": begun["ticket"], "assertion": careless.get(begun["options"])}
    assert grants(await attack.post("/v1/sessions/passkey", body)), "with its owner's finger it lets in"
    return 1


async def tickets_of_changes(attack: Attack) -> None:
    """What a session gets to change its factors with logs nobody in."""
    victim = attack.victim
    begun = await victim.person.post(
        "/v1/me/passkeys/options", {"password": PASSWORD, "recovery_code": victim.recovery_code()}
    )
    ticket = begun.raise_for_status().json()["ticket"]
    refused(await victim.prove(ticket, code=victim.code()), 401)
    refused(await attack.post("/v1/sessions/passkey", {"ticket": ticket, "assertion": {"id": "x"}}), 401)
    for given in ({"password": PASSWORD}, {"password": PASSWORD, "code": victim.wrong_code()}):
        for method, path in (("POST", "/v1/me/totp"), ("DELETE", "/v1/me/totp"), ("POST", "/v1/me/recovery-codes")):
            answer = await attack.http.request(method, path, json=given, headers=victim.person.headers)
            refused(answer, 401, 403)


async def refresh(attack: Attack) -> None:
    """Trades what was granted, and for nothing else."""
    for token in ("", "x", await attack.victim.ticket(), attack.victim.code(), attack.victim.person.access_token):
        refused(await attack.post("/v1/sessions/refresh", {"refresh_token": token}), 401)


async def registration(attack: Attack) -> None:
    """Of a name that is taken, also by who repeats the very request."""
    body = {"username": attack.victim.person.username, "email": attack.email, "password": PASSWORD, "name": "X"}
    for headers in ({}, {"Idempotency-Key": "again"}):
        refused(await attack.post("/v1/accounts", body, headers=headers), 409, 201)


async def email_verification(attack: Attack) -> None:
    """Confirms an address, and logs nobody in."""
    token = await attack.letter_token("Confirm your e-mail address")
    refused(await attack.post("/v1/accounts/verify-email", {"token": token}), 204)
    refused(await attack.post("/v1/accounts/resend-verification", {"email": attack.email}), 202)
    refused(await attack.victim.start(), 202)


async def password_reset(attack: Attack) -> int:
    """Gives the account a new password, and leaves it its factors."""
    token = await attack.letter_token("Confirm your e-mail address")
    refused(await attack.post("/v1/accounts/verify-email", {"token": token}), 204)
    refused(await attack.post("/v1/password/forgot", {"email": attack.email}), 202)
    token = await attack.letter_token("Set a new password")
    refused(await attack.post("/v1/password/reset", {"token": token, "password": NEW_PASSWORD}), 204)
    refused(await attack.victim.start(NEW_PASSWORD), 202)
    refused(await attack.victim.start(PASSWORD), 401)
    await attack.victim.enter(NEW_PASSWORD)
    return 1


async def called_off_deletion(attack: Attack) -> int:
    """Takes the factor to delete the account, and to keep it after all."""
    victim = attack.victim
    for given, status in (({}, 403), ({"code": victim.wrong_code()}, 401), ({"recovery_code": victim.codes[-1]}, 202)):
        body = {"password": PASSWORD, **given}
        refused(await attack.http.request("DELETE", "/v1/me", json=body, headers=victim.person.headers), status)
    victim.codes.pop()
    ticket = await victim.ticket(cancel_deletion=True)
    refused(await victim.prove(ticket, code=victim.wrong_code(), cancel_deletion=True), 401)
    pending = await victim.prove(ticket, recovery_code=victim.recovery_code())
    refused(pending, 403)
    assert pending.json()["reason"] == "ACCOUNT_DELETION_PENDING", "a password with cancel_deletion has kept it"
    await victim.enter(cancel_deletion=True)
    return 1


async def authorization_page(attack: Attack) -> int:
    """Asks for the factor before it asks for consent, whatever is sent to it."""
    app = await an_app(attack)
    async with httpx.AsyncClient(base_url=attack.stack.url, timeout=15) as browser:
        address, asked = await the_log_in_page(browser, app)
        log_in = fields_of(asked.text, "log-in") | {"login": attack.victim.person.username, "password": PASSWORD}
        due = await browser.post(address, data=log_in)
        refused_page(due, 200)
        step = fields_of(due.text, "second-factor")
        for fields in (
            {**log_in, "step": "allow"}, {**log_in, "step": "second-factor"}, {**step, "step": "allow"}, step,
            {**step, "code": attack.victim.wrong_code()}, {**step, "recovery_code": "x"},
        ):  # fmt: skip
            refused_page(await browser.post(address, data=fields), 200, 303, 401)
        refused_page(await browser.get(address), 200)
    await get_in_by_the_page(attack, app)
    return 1


async def token_endpoint(attack: Attack) -> None:
    """Knows no grant that takes a password, and no ticket for a code."""
    app = await an_app(attack)
    who = {"client_id": app["client_id"], "username": attack.victim.person.username, "password": PASSWORD}
    ticket = await attack.victim.ticket()
    for grant in (
        {"grant_type": "password", **who},
        {"grant_type": "password", **who, "scope": "account"},
        {"grant_type": "client_credentials", **who},
        {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": ticket, **who},
        {
            "grant_type": "authorization_code",
            "code": ticket,
            "redirect_uri": CALLBACK,
            "code_verifier": "v" * 43,
            **who,
        },
        {"grant_type": "refresh_token", "refresh_token": ticket, **who},
    ):
        refused(await attack.http.post("/oauth/token", data=grant), 400, 401)
    for path in ("/oauth/introspect", "/oauth/revoke"):
        refused(await attack.http.post(path, data={"token": ticket, "client_id": app["client_id"]}), 200, 400, 401)


async def an_app(attack: Attack) -> Mapping[str, Any]:
    """Of the victim's own making, which is as good as any: public, so that whoever likes can be it."""
    body = {"name": "Lens", "client_type": "public", "redirect_uris": [CALLBACK], "scopes": ["read"]}
    return (await attack.victim.person.post("/v1/apps", body)).raise_for_status().json()


async def the_log_in_page(browser: httpx.AsyncClient, app: Mapping[str, Any]) -> tuple[str, httpx.Response]:
    challenge = base64.urlsafe_b64encode(hashlib.sha256(b"v" * 43).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code",
        "client_id": app["client_id"],
        "redirect_uri": CALLBACK,
        "scope": "read",
        "state": "s",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    shown = await browser.get("/oauth/authorize", params=asked)
    refused_page(shown, 200)
    return str(shown.url), shown


async def get_in_by_the_page(attack: Attack, app: Mapping[str, Any]) -> None:
    """With the factor the same way leads to a code: so it is the factor that was missing."""
    async with httpx.AsyncClient(base_url=attack.stack.url, timeout=15) as browser:
        address, asked = await the_log_in_page(browser, app)
        log_in = fields_of(asked.text, "log-in") | {"login": attack.victim.person.username, "password": PASSWORD}
        due = await browser.post(address, data=log_in)
        proof = fields_of(due.text, "second-factor") | {"recovery_code": attack.victim.recovery_code()}
        assert grants(await browser.post(address, data=proof))
        consent = await browser.get(address)
        done = await browser.post(address, data=fields_of(consent.text, "allow"))
        assert grants(done)


def refused_page(answer: httpx.Response, *statuses: int) -> None:
    """A page may set the cookie that its forms are known by, and no other."""
    refused(answer, *statuses)
    assert all("-form=" in cookie for cookie in answer.headers.get_list("set-cookie")), answer.headers
    assert "location" not in answer.headers or answer.headers["location"].startswith("/oauth/authorize")


OF_THE_USER_SERVICE: Mapping[str, Way] = {
    "UserService.RegisterAccount": registration,
    "UserService.CreateSession": password,
    "UserService.RefreshSession": refresh,
    "SignInService.FinishLogIn": second_factor,
    "SignInService.StartPasskeyLogIn": passkey,
    "SignInService.FinishPasskeyLogIn": passkey,
    "CredentialService.RequestVerification": email_verification,
    "CredentialService.VerifyEmail": email_verification,
    "CredentialService.ForgetPassword": password_reset,
    "CredentialService.ResetPassword": password_reset,
    "LifecycleService.DeleteAccount": called_off_deletion,
    "OAuthService.BeginAuthorization": authorization_page,
    "OAuthService.LogInBrowser": authorization_page,
    "OAuthService.PassSecondFactor": authorization_page,
    "OAuthService.DecideAuthorization": authorization_page,
    "OAuthService.IssueToken": token_endpoint,
    "OAuthService.IntrospectToken": token_endpoint,
    "OAuthService.RevokeToken": token_endpoint,
    "FactorService.BeginProof": tickets_of_changes,
    "FactorService.BeginPasskey": tickets_of_changes,
    "FactorService.BeginTotp": tickets_of_changes,
    "FactorService.MakeRecoveryCodes": tickets_of_changes,
    "FactorService.RemoveTotp": tickets_of_changes,
}
"""Each RPC that anything is handed out by, and what is tried on it."""

HAND_NOTHING_OUT = {
    "AdminService": "ListUsers GetUser SuspendUser RestoreUser SetRole ResetFactor ListAudit RecordAct ScanProfiles",
    "AvatarService": "SetAvatar RemoveAvatar",
    "CredentialService": "ChangeEmail ChangePassword ChangeUsername",
    "FactorService": "GetFactors ConfirmTotp FinishPasskey ListPasskeys RemovePasskey",
    "LifecycleService": "RequestExport GetExport",
    "OAuthService": "CreateApp ListApps GetApp UpdateApp DeleteApp RenewAppSecret LogOutBrowser ListAuthorizedApps "
    "RemoveAuthorizedApp",
    "SettingsService": "GetSettings UpdateSettings BatchGetNotificationSettings",
    "SignInService": "RevokeOtherSessions ListSecurityEvents",
    "UserService": "GetAccount UpdateAccount BatchGetProfiles GetProfileByUsername ResolveUsernames ListSessions "
    "RevokeSession ListRevocations GetJwks AwaitPublished",
}

OPEN_ROUTES: Mapping[str, Way] = {
    "POST /v1/accounts": registration,
    "POST /v1/accounts/verify-email": email_verification,
    "POST /v1/accounts/resend-verification": email_verification,
    "POST /v1/password/forgot": password_reset,
    "POST /v1/password/reset": password_reset,
    "POST /v1/sessions": password,
    "POST /v1/sessions/second-factor": after_use,
    "POST /v1/sessions/passkey/options": passkey,
    "POST /v1/sessions/passkey": passkey,
    "POST /v1/sessions/refresh": refresh,
    "GET /oauth/authorize": authorization_page,
    "POST /oauth/authorize": authorization_page,
    "POST /oauth/token": token_endpoint,
    "POST /oauth/introspect": token_endpoint,
    "POST /oauth/revoke": token_endpoint,
}
"""Each route that takes no access token and does more than show."""

SHOW_ONLY = {
    "/.well-known/jwks.json", "/.well-known/oauth-authorization-server", "/account/reset-password",
    "/account/verify-email", "/docs", "/healthz", "/media/p/{path:path}", "/media/s/{path:path}", "/openapi.json",
    "/readyz", "/v1/comments/{comment_id}/replies", "/v1/posts/{post_id}", "/v1/posts/{post_id}/comments",
    "/v1/posts/{post_id}/likes", "/v1/tags/{tag}", "/v1/tags/{tag}/posts", "/v1/users",
    "/v1/users/{user_id}/posts", "/v1/users/{username}",
}  # fmt: skip

WAYS = sorted({*OF_THE_USER_SERVICE.values(), *OPEN_ROUTES.values()}, key=lambda way: way.__name__)


def rpcs() -> Iterator[str]:
    for path in sorted(PROTOS.glob("heliograph/user/v1/*.proto")):
        module = importlib.import_module(f"heliograph.user.v1.{path.stem}_pb2")
        described: FileDescriptor = module.DESCRIPTOR
        for service in described.services_by_name.values():
            yield from (f"{service.name}.{method.name}" for method in service.methods)


def open_routes() -> Iterator[str]:
    for route in build_api().router.routes:
        if isinstance(route, GuardedRoute) and route.policy.auth is not Auth.REQUIRED:
            yield from (f"{method} {route.path}" for method in route.methods or ())


def test_every_rpc_is_listed():
    listed = [f"{service}.{name}" for service, names in HAND_NOTHING_OUT.items() for name in names.split()]
    assert set(rpcs()) == {*listed, *OF_THE_USER_SERVICE}


def test_every_route_that_takes_no_token_is_listed():
    assert set(open_routes()) == {*OPEN_ROUTES, *(f"GET {path}" for path in SHOW_ONLY)}


@pytest.mark.parametrize("way", WAYS, ids=[way.__name__ for way in WAYS])
async def test_nobody_gets_in_without_the_factor(http: httpx.AsyncClient, stack: Stack, way: Way):
    victim = await guarded(http)
    before = await victim.sessions()
    entered = await way(Attack(victim, stack)) or 0
    assert len(await victim.sessions() - before) == entered
    assert (await victim.person.get("/v1/me/apps")).raise_for_status().json()["items"] == []
