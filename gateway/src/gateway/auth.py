"""Who is calling: bearer tokens, checked here against the user service's keys and its revoked sessions."""

import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from joserfc.jws import extract_compact
from kit import ids
from kit.errors import DomainError, PermissionDenied, Unauthenticated

from gateway.keys import Keys
from gateway.revocations import Revocations

ISSUER = "heliograph"
AUDIENCE = "heliograph-api"
_ALGORITHMS = ["EdDSA"]
_TYPE = "at+jwt"
_HEADER = frozenset({"alg", "kid", "typ"})
_LEEWAY_SECONDS = 5
_LONGEST_TOKEN = 4096
_CACHED_TOKENS = 20_000


@dataclass(frozen=True)
class Viewer:
    """The account, session, app and rights of a valid token. `app` is empty for our own clients; `expires_at` in
    seconds since the epoch. The token that an app got for itself names no account: `id` is 0, and the session stands
    for the app's secret."""

    id: int
    session_id: int
    scopes: frozenset[str]
    expires_at: float
    app: str = ""

    @property
    def is_person(self) -> bool:
        return self.id != 0

    @property
    def may_see_email(self) -> bool:
        return not self.app or "email" in self.scopes

    def require(self, scope: str) -> None:
        """Raises PermissionDenied."""
        if scope not in self.scopes:
            challenge = f'Bearer realm="heliograph", error="insufficient_scope", scope="{scope}"'
            raise PermissionDenied(
                "INSUFFICIENT_SCOPE", f"the token does not grant {scope}", metadata={"challenge": challenge}
            )


class Authenticator:
    """Valid tokens are remembered until they expire: a signature costs more than the rest of the request. A revoked
    session is looked up every time."""

    def __init__(self, keys: Keys, revocations: Revocations, now: Callable[[], float] = time.time) -> None:
        self._keys, self._revocations, self._now = keys, revocations, now
        self._known: OrderedDict[str, Viewer] = OrderedDict()

    async def viewer(self, authorization: str | None) -> Viewer | None:
        """None when the request names nobody. Raises Unauthenticated, or Unavailable while there are no keys."""
        if authorization is None:
            return None
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise unauthenticated("INVALID_TOKEN", "only bearer tokens are understood")
        viewer = self._known.get(token) or await self._check(token.strip())
        if viewer.expires_at + _LEEWAY_SECONDS <= self._now():
            raise unauthenticated("TOKEN_EXPIRED", "the access token has expired")
        if self._revocations.holds(viewer.session_id):
            raise unauthenticated("SESSION_REVOKED", "the session has ended")
        return viewer

    def known(self, token: str) -> Viewer | None:
        """Whom a token names that was checked before. None says nothing of it: ask for its viewer."""
        viewer = self._known.get(token)
        return viewer if viewer and self.is_valid(viewer) else None

    def is_valid(self, viewer: Viewer) -> bool:
        """Whether a token that was once is so still."""
        return viewer.expires_at + _LEEWAY_SECONDS > self._now() and not self._revocations.holds(viewer.session_id)

    async def _check(self, token: str) -> Viewer:
        if len(token) > _LONGEST_TOKEN:
            raise _invalid()
        await self._revocations.check()
        key = await self._keys.key(_kid(token))
        if key is None:
            raise _invalid()
        viewer = _viewer(_claims(token, key), self._now())
        self._known[token] = viewer
        if len(self._known) > _CACHED_TOKENS:
            self._known.popitem(last=False)
        return viewer


def unauthenticated(reason: str, message: str) -> Unauthenticated:
    challenge = f'Bearer realm="heliograph", error="invalid_token", error_description="{message}"'
    return Unauthenticated(reason, message, metadata={"challenge": challenge})


def person_required() -> PermissionDenied:
    return PermissionDenied("USER_REQUIRED", "this needs an access token of a person: an app's own names none")


def required() -> Unauthenticated:
    return Unauthenticated("AUTHENTICATION_REQUIRED", "this needs an access token")


def _kid(token: str) -> str:
    """Of an access token: other tokens that the same keys sign are of no use here (RFC 9068). Ours have these three
    fields; what else a token could say (a key of its own, an extension to heed) is not for it to say."""
    try:
        header = extract_compact(token.encode()).headers()
    except (JoseError, ValueError):
        raise _invalid() from None
    kid, kind = header.get("kid"), header.get("typ")
    if not isinstance(kid, str) or kind != _TYPE or not header.keys() <= _HEADER:
        raise _invalid()
    return kid


def _claims(token: str, key: OKPKey) -> dict[str, Any]:
    """Of a token whose signature is right. The algorithm is ours to name, never the token's."""
    try:
        return jwt.decode(token, key, algorithms=_ALGORITHMS).claims
    except (JoseError, ValueError):
        raise _invalid() from None


def _viewer(claims: dict[str, Any], now: float) -> Viewer:
    audience = claims.get("aud")
    meant_for_us = audience == AUDIENCE or (isinstance(audience, list) and AUDIENCE in audience)
    if claims.get("iss") != ISSUER or not meant_for_us:
        raise _invalid()
    expires_at, not_before = _time(claims.get("exp")), _time(claims.get("nbf", 0))
    if not_before > now + _LEEWAY_SECONDS:
        raise _invalid()
    app, subject = str(claims.get("client_id", "")), str(claims.get("sub", ""))
    try:
        # RFC 9068, section 2.2: the subject of what an app got for itself is the app.
        account = 0 if app and subject == app else ids.parse(subject)
        session = ids.parse(str(claims.get("sid", "")))
    except DomainError:
        raise _invalid() from None
    return Viewer(account, session, frozenset(str(claims.get("scope", "")).split()), expires_at, app)


def _time(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1 << 53:
        raise _invalid()
    return float(value)


def _invalid() -> Unauthenticated:
    return unauthenticated("INVALID_TOKEN", "the access token is not valid")
