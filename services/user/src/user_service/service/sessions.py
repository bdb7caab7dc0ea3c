"""Use cases of sessions: log in, go on, look at them, end one."""

import asyncio
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from kit.postgres import Postgres

from user_service.model import errors, names
from user_service.model.accounts import Profile
from user_service.model.security import Device
from user_service.model.sessions import (
    FAMILY_BYTES,
    MAX_ADDRESS,
    MAX_USER_AGENT,
    SECRET_BYTES,
    RefreshToken,
    Revocation,
    Session,
    Verdict,
    hash_of,
    judge,
    parse_token,
    rotated,
)
from user_service.service.sign_in import Challenge, SignIn
from user_service.service.tokens import AccessTokens
from user_service.store.accounts import AccountStore
from user_service.store.sessions import SessionStore

_LEEWAY = timedelta(minutes=1)
"""How wrong a gateway's clock may be: for as long after its end a token might still be taken."""

_SWEEP_SECONDS = 600.0
_INT64_DIGITS = 19


@dataclass(frozen=True)
class Granted:
    """A session's tokens."""

    profile: Profile
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: timedelta


class Sessions:
    def __init__(
        self,
        postgres: Postgres,
        store: SessionStore,
        accounts: AccountStore,
        sign_in: SignIn,
        tokens: AccessTokens,
        *,
        lifetime: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._postgres, self._store, self._accounts = postgres, store, accounts
        self._sign_in, self._tokens = sign_in, tokens
        self._lifetime, self._clock = lifetime, clock

    async def log_in(self, login: str, password: str, device: Device) -> Granted:
        """Raises what SignIn.start does."""
        account = await self._sign_in.start(login, password, device)
        assert not isinstance(account, Challenge)
        session, secrets_ = self._new_session(account.profile.id, device)
        stored = await self._store.insert(session)
        return self._granted(account.profile, RefreshToken(account.profile.id, stored, *secrets_))

    async def refresh(self, text: str, *, address: str) -> Granted:
        """Trades a refresh token for new tokens. Raises Aborted REFRESH_IN_PROGRESS when it was traded just now, and
        Unauthenticated: SESSION_REVOKED when the session is over, also by this very call if the token was traded
        before that; else BAD_REFRESH_TOKEN."""
        token, now, secret = parse_token(text), self._clock(), secrets.token_bytes(SECRET_BYTES)
        found = await self._accounts.get(token.user_id)
        if found is None or not found.profile.active:
            raise errors.bad_refresh_token()
        async with self._postgres.primary.transaction() as conn:
            session = await self._store.lock(conn, token.user_id, token.session_id)
            verdict = judge(session, token, now) if session else Verdict.UNKNOWN
            if session and verdict is Verdict.GOOD:
                after = rotated(session, secret, address=names.plain(address), now=now, lifetime=self._lifetime)
                await self._store.save(conn, after)
            elif session and verdict is Verdict.REUSED:
                await self._store.revoke(conn, session, now=now, until=self._last_use(now))
        # Raised only here: a revocation has to be committed.
        _insist_on_good(verdict)
        return self._granted(found.profile, RefreshToken(token.user_id, token.session_id, token.family, secret))

    async def list(self, user_id: int, *, size: int, page_token: str) -> tuple[Sequence[Session], str]:
        """Those that live, newest first, and the token of the next page, empty at the end."""
        before = _before(page_token) if page_token else None
        found = await self._store.active(user_id, before=before, now=self._clock(), limit=size + 1)
        more = len(found) > size
        return found[:size], str(found[size - 1].id) if more else ""

    async def revoke(self, user_id: int, session_id: int) -> None:
        """Ends a session of this account. It may have ended before. Raises NotFound SESSION_NOT_FOUND."""
        now = self._clock()
        async with self._postgres.primary.transaction() as conn:
            session = await self._store.lock(conn, user_id, session_id)
            if session is None:
                raise errors.session_not_found()
            if session.revoked_at is None:
                await self._store.revoke(conn, session, now=now, until=self._last_use(now))

    async def revocations(self, after: int, *, size: int) -> Sequence[Revocation]:
        """In the order of their revisions; whoever saw one has seen all lower ones that still matter."""
        return await self._store.revocations(after, now=self._clock(), limit=size)

    async def sweep(self) -> None:
        """A task: forgets what has expired."""
        while True:
            await self._store.sweep(self._clock())
            await asyncio.sleep(_SWEEP_SECONDS)

    def _new_session(self, user_id: int, device: Device) -> tuple[Session, tuple[bytes, bytes]]:
        now, family, secret = self._clock(), secrets.token_bytes(FAMILY_BYTES), secrets.token_bytes(SECRET_BYTES)
        session = Session(
            id=0,
            user_id=user_id,
            user_agent=names.plain(device.user_agent)[:MAX_USER_AGENT],
            address=names.plain(device.address)[:MAX_ADDRESS],
            family_hash=hash_of(family),
            token_hash=hash_of(secret),
            rotated=(),
            created_at=now,
            last_used_at=now,
            expires_at=now + self._lifetime,
            revoked_at=None,
        )
        return session, (family, secret)

    def _granted(self, profile: Profile, token: RefreshToken) -> Granted:
        access = self._tokens.issue(user_id=token.user_id, session_id=token.session_id, now=self._clock())
        return Granted(profile, access, str(token), self._tokens.lifetime)

    def _last_use(self, now: datetime) -> datetime:
        return now + self._tokens.lifetime + _LEEWAY


def _insist_on_good(verdict: Verdict) -> None:
    match verdict:
        case Verdict.GOOD:
            return
        case Verdict.IN_PROGRESS:
            raise errors.refresh_in_progress()
        case Verdict.REUSED | Verdict.REVOKED:
            raise errors.session_revoked()
        case Verdict.UNKNOWN:
            raise errors.bad_refresh_token()


def _before(page_token: str) -> int:
    if not (page_token.isascii() and page_token.isdecimal() and len(page_token) < _INT64_DIGITS):
        raise errors.bad_page_token()
    return int(page_token)
