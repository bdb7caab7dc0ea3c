"""What a token of an app is good for, while it is good."""

import json
import re
import warnings
from collections.abc import Callable
from datetime import datetime

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet
from joserfc.jws import extract_compact
from kit.errors import Unauthenticated

from user_service.model.apps import app_id_of
from user_service.model.sessions import Verdict, judge, parse_token
from user_service.service.oauth.shown import LiveToken
from user_service.service.tokens import AUDIENCE, ISSUER, AccessTokens
from user_service.store.apps import AppStore
from user_service.store.sessions import SessionStore

_ALGORITHMS = ["EdDSA"]
_LONGEST = 4096
_ID = re.compile(r"[1-9][0-9]{0,17}")


class Reading:
    def __init__(
        self, tokens: AccessTokens, sessions: SessionStore, apps: AppStore, clock: Callable[[], datetime]
    ) -> None:
        self._tokens, self._sessions, self._apps, self._clock = tokens, sessions, apps, clock

    async def any(self, text: str) -> LiveToken | None:
        """Of an access or a refresh token that is good now."""
        return await self.refresh(text, only_good=True) or await self._access(text)

    async def refresh(self, text: str, *, only_good: bool = False) -> LiveToken | None:
        """Of a refresh token that once was good."""
        try:
            token = parse_token(text)
        except Unauthenticated:
            return None
        session = await self._sessions.get(token.user_id, token.session_id)
        verdict = judge(session, token, self._clock()) if session else Verdict.UNKNOWN
        if session is None or verdict is Verdict.UNKNOWN or (only_good and verdict is not Verdict.GOOD):
            return None
        details = {
            "client_id": f"app-{session.app_id}",
            "sub": str(session.user_id),
            "exp": int(session.expires_at.timestamp()),
        }
        return LiveToken(session.app_id, session.scopes, (session.user_id, session.id), details)

    async def _access(self, text: str) -> LiveToken | None:
        claims = self._claims(text)
        app_id = app_id_of(str(claims.get("client_id", "")))
        subject, sid = str(claims.get("sub", "")), str(claims.get("sid", ""))
        if not app_id or not _ID.fullmatch(sid):
            return None
        session = (int(subject), int(sid)) if _ID.fullmatch(subject) else None
        if not (await self._lives(session) if session else await self._own(app_id, int(sid))):
            return None
        told = ("client_id", "sub", "aud", "iss", "exp", "iat", "jti")
        details = {"token_type": "Bearer", **{name: claims[name] for name in told if name in claims}}  # nosec B105 a word of OAuth
        return LiveToken(app_id, tuple(str(claims.get("scope", "")).split()), session, details)

    async def _lives(self, key: tuple[int, int]) -> bool:
        session = await self._sessions.get(*key)
        return session is not None and session.revoked_at is None and session.expires_at > self._clock()

    async def _own(self, app_id: int, secret_id: int) -> bool:
        app = await self._apps.get(app_id)
        return app is not None and app.secret_id == secret_id

    def _claims(self, text: str) -> dict[str, object]:
        """Empty for what is no access token of ours that still lives. The algorithm is ours to name."""
        if len(text) > _LONGEST:
            return {}
        try:
            if extract_compact(text.encode()).headers().get("typ") != "at+jwt":
                return {}
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                claims = jwt.decode(
                    text, KeySet.import_key_set(json.loads(self._tokens.jwks())), algorithms=_ALGORITHMS
                )
        except (JoseError, ValueError):
            return {}
        expires = claims.claims.get("exp")
        lives = isinstance(expires, int) and expires > self._clock().timestamp()
        ours = claims.claims.get("iss") == ISSUER and claims.claims.get("aud") == AUDIENCE
        return dict(claims.claims) if lives and ours else {}
