"""Access tokens: JWTs signed with EdDSA, which anybody checks against the public keys without asking us."""

import asyncio
import json
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta

from joserfc import jwt
from kit import log
from kit.settings import BadSettings

from user_service.model.keys import RELOAD, TokenRules
from user_service.model.scopes import OWN_SCOPES
from user_service.store.keys import KeyFolder, SigningKey

ISSUER, AUDIENCE = "heliograph", "heliograph-api"
logger = log.get(__name__)


class AccessTokens:
    """Raises BadSettings when the folder has no usable key."""

    def __init__(self, folder: KeyFolder, rules: TokenRules) -> None:
        self._folder, self._rules = folder, rules
        self._keys = _load(folder)

    @property
    def lifetime(self) -> timedelta:
        return self._rules.lifetime

    def over_by(self, now: datetime) -> datetime:
        """When the last access token made until `now` is over, by any gateway's clock."""
        return self._rules.over_by(now)

    def issue(
        self,
        *,
        user_id: int,
        session_id: int,
        now: datetime,
        scopes: Iterable[str] = OWN_SCOPES,
        client_id: str = "",
    ) -> str:
        """`client_id` names an app, and is empty for a client of our own."""
        return self._sign(str(user_id), session_id, now, scopes, client_id)

    def issue_to_app(self, *, client_id: str, secret_id: int, now: datetime, scopes: Iterable[str]) -> str:
        """With no account behind it: its subject is the app (RFC 9068), and in a session's place stands the app's
        secret, whose end ends it."""
        return self._sign(client_id, secret_id, now, scopes, client_id)

    def _sign(self, subject: str, session_id: int, now: datetime, scopes: Iterable[str], client_id: str) -> str:
        key = self._signing_key(now)
        claims = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "sub": subject,
            "sid": str(session_id),
            "scope": " ".join(scopes),
            "iat": int(now.timestamp()),
            "exp": int((now + self._rules.lifetime).timestamp()),
            "jti": secrets.token_urlsafe(16),
            **({"client_id": client_id} if client_id else {}),
        }
        header = {"alg": "EdDSA", "kid": key.kid, "typ": "at+jwt"}
        return jwt.encode(header, claims, key.jwk, algorithms=["EdDSA"])

    def jwks(self) -> str:
        """The public halves of all keys: those that do not sign yet, and those whose tokens may still be about."""
        return json.dumps({"keys": [key.jwk.as_dict(private=False) for key in self._keys]})

    def _signing_key(self, now: datetime) -> SigningKey:
        settled = (key for key in self._keys if now - key.made_at >= self._rules.settling)
        return next(settled, self._keys[-1])

    async def watch(self) -> None:
        """A task: finds keys that were added or taken away."""
        while True:
            await asyncio.sleep(RELOAD.total_seconds())
            await self.reload()

    async def reload(self) -> None:
        """Keeps the keys as they are when the folder has none that is usable."""
        try:
            self._keys = await asyncio.to_thread(_load, self._folder)
        except BadSettings as error:
            logger.error("signing keys cannot be loaded again", faults=error.faults)


def _load(folder: KeyFolder) -> list[SigningKey]:
    try:
        keys = folder.load()
    except (OSError, ValueError) as error:
        raise BadSettings([f"HELIOGRAPH_TOKEN_KEYS_DIR: {error}"]) from error
    if not keys:
        raise BadSettings(["HELIOGRAPH_TOKEN_KEYS_DIR: no signing key in it: `python -m user_service keys` makes one"])
    return keys
