"""The authorization endpoint (RFC 6749, section 4.1.1): what an app asks, and what somebody answers."""

import secrets
from collections.abc import Callable
from datetime import datetime

from kit.postgres import Postgres

from user_service.model import oauth_errors
from user_service.model.apps import app_id_of
from user_service.model.oauth import CODE_LIFETIME, CODE_PREFIX, Asked, Browser, Code, Handle, Parameters, sent_back
from user_service.model.security import Device, Kind, SecurityEvent
from user_service.model.sessions import SECRET_BYTES, hash_of
from user_service.service.oauth.incoming import fault_of
from user_service.service.oauth.rules import Judge, NotPermissible
from user_service.service.oauth.shown import Loaded, Request
from user_service.store.apps import AppStore
from user_service.store.grants import GrantStore
from user_service.store.security_log import SecurityLog


class Authorizing:
    """Raises InvalidArgument BAD_AUTHORIZATION_REQUEST as long as it is not proven where the app lives: nobody is sent
    to an address that only the request vouches for."""

    def __init__(
        self, postgres: Postgres, apps: AppStore, grants: GrantStore, log: SecurityLog, clock: Callable[[], datetime]
    ) -> None:
        self._postgres, self._apps, self._grants = postgres, apps, grants
        self._log, self._clock = log, clock

    async def asked(self, parameters: Parameters, issuer: str) -> Asked:
        if fault := fault_of(parameters):
            raise oauth_errors.bad_authorization_request(fault)
        app = await self._apps.get(app_id_of(dict(parameters).get("client_id", "")))
        if app is None:
            raise oauth_errors.bad_authorization_request("The app is not known")
        request = Request(parameters, method="GET")
        found = Judge(Loaded(app, self._clock())).on_authorization(request)
        if isinstance(found, NotPermissible):
            if not found.redirect_uri:
                raise oauth_errors.bad_authorization_request(dict(found.told).get("error_description", ""))
            return Asked(
                app, found.redirect_uri, error_uri=sent_back(found.redirect_uri, [*found.told, ("iss", issuer)])
            )
        data = request.read.data
        return Asked(app, found.redirect_uri, found.scopes, data["code_challenge"], data.get("state", ""))

    async def allow(self, asked: Asked, issuer: str, browser: Browser, device: Device) -> str:
        """Where to send the browser, with a code."""
        secret, now = secrets.token_bytes(SECRET_BYTES), self._clock()
        code = Code(
            id=0,
            user_id=browser.user_id,
            secret_hash=hash_of(secret),
            app_id=asked.app.id,
            login_id=browser.session_id,
            redirect_uri=asked.redirect_uri,
            scopes=asked.scopes,
            challenge=asked.challenge,
            expires_at=now + CODE_LIFETIME,
        )
        details = {"app_id": str(asked.app.id), "app": asked.app.name, "scopes": " ".join(asked.scopes)}
        async with self._postgres.primary.transaction() as conn:
            code_id = await self._grants.insert_code(conn, code)
            allowed = SecurityEvent(browser.user_id, Kind.APP_AUTHORISED, device, browser.session_id, details)
            await self._log.record(conn, allowed)
        text = Handle(browser.user_id, code_id, secret).text(CODE_PREFIX)
        return sent_back(asked.redirect_uri, _with_state([("code", text)], asked.state, issuer))

    def deny(self, asked: Asked, issuer: str) -> str:
        told = [("error", "access_denied"), ("error_description", "The person said no")]
        return sent_back(asked.redirect_uri, _with_state(told, asked.state, issuer))


def _with_state(told: list[tuple[str, str]], state: str, issuer: str) -> Parameters:
    return [*told, *([("state", state)] if state else []), ("iss", issuer)]
