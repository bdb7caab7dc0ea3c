"""Use cases of sessions: open one, go on, look at them, end them."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from kit.postgres import Connection, Postgres

from user_service.model import errors, names
from user_service.model.accounts import Account, Profile
from user_service.model.scopes import still_granted
from user_service.model.security import Device, Kind, SecurityEvent
from user_service.model.sessions import (
    FAMILY_BYTES,
    MAX_ADDRESS,
    MAX_DEVICE_NAME,
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
from user_service.service.tokens import AccessTokens
from user_service.store.accounts import AccountStore
from user_service.store.security_log import SecurityLog
from user_service.store.sessions import SessionStore

_SWEEP_SECONDS = 600.0
_INT64_DIGITS = 19


Also = Callable[[Connection, int], Awaitable[None]]


async def _nothing(_conn: Connection, _session_id: int) -> None:
    pass


@dataclass(frozen=True)
class Granted:
    """A session's tokens."""

    profile: Profile
    session_id: int
    scopes: Sequence[str]
    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_in: timedelta


class Sessions:
    def __init__(
        self,
        postgres: Postgres,
        store: SessionStore,
        accounts: AccountStore,
        tokens: AccessTokens,
        log: SecurityLog,
        *,
        lifetime: timedelta,
        clock: Callable[[], datetime],
    ) -> None:
        self._postgres, self._store, self._accounts = postgres, store, accounts
        self._tokens, self._log = tokens, log
        self._lifetime, self._clock = lifetime, clock

    async def open(
        self, account: Account, device: Device, *, scopes: Sequence[str], app_id: int = 0, also: Also = _nothing
    ) -> Granted:
        """A new session of an account as SignIn answered it. `app_id` is 0 for a client of our own. `also` runs in its
        transaction, with its id: what it raises undoes all.

        Raises Unauthenticated BAD_CREDENTIALS when the account has been suspended since then, or has ended all its
        sessions (as a new password does): what was proved before that counts no more."""
        user_id = account.profile.id
        session, family, secret = self._new_session(user_id, device, scopes, app_id)
        async with self._postgres.primary.transaction() as conn:
            held = await self._accounts.hold(conn, user_id)
            if held is None or not held.profile.active or held.epoch != account.epoch:
                raise errors.bad_credentials()
            session_id = await self._store.insert(conn, session)
            if not app_id:
                await self._log.record(conn, SecurityEvent(user_id, Kind.LOGGED_IN, device, session_id))
            await also(conn, session_id)
        return self._granted(held, session, RefreshToken(user_id, session_id, family, secret))

    async def refresh(
        self, text: str, *, address: str, app_id: int = 0, scopes: Sequence[str] | None = None
    ) -> Granted:
        """Trades a refresh token for new tokens. `app_id` is who asks: a token of another's counts as none. `scopes`
        are fewer than the session's for this access token alone.

        Raises Aborted REFRESH_IN_PROGRESS when it was traded just now, and Unauthenticated: SESSION_REVOKED when the
        session is over, also by this very call if the token was traded before that; else BAD_REFRESH_TOKEN."""
        token, now, secret = parse_token(text), self._clock(), secrets.token_bytes(SECRET_BYTES)
        account = await self._accounts.get(token.user_id)
        if account is None or not account.profile.active:
            raise errors.bad_refresh_token()
        async with self._postgres.primary.transaction() as conn:
            session = await self._store.lock(conn, token.user_id, token.session_id)
            if session is None or session.app_id != app_id:
                raise errors.bad_refresh_token()
            verdict = judge(session, token, now)
            if verdict is Verdict.GOOD:
                after = rotated(session, secret, address=names.plain(address), now=now, lifetime=self._lifetime)
                await self._store.save(conn, after)
            elif verdict is Verdict.REUSED:
                reused = SecurityEvent(token.user_id, Kind.REFRESH_TOKEN_REUSED, Device(address), session.id)
                await self._log.record(conn, reused)
                await self._store.revoke(conn, session, now=now, until=self._tokens.over_by(now))
        # Raised only here: a revocation has to be committed.
        _insist_on_good(verdict)
        narrowed = session if scopes is None else replace(session, scopes=tuple(scopes))
        return self._granted(account, narrowed, RefreshToken(token.user_id, session.id, token.family, secret))

    async def list(self, user_id: int, *, size: int, page_token: str) -> tuple[Sequence[Session], str]:
        """Those of our own clients that live, newest first, and the token of the next page, empty at the end."""
        before = _before(page_token) if page_token else None
        found = await self._store.active(user_id, before=before, now=self._clock(), limit=size + 1)
        more = len(found) > size
        return found[:size], str(found[size - 1].id) if more else ""

    async def revoke(self, user_id: int, session_id: int, device: Device) -> None:
        """Ends a session of this account. It may have ended before. Raises NotFound SESSION_NOT_FOUND."""
        now = self._clock()
        async with self._postgres.primary.transaction() as conn:
            session = await self._store.lock(conn, user_id, session_id)
            if session is None:
                raise errors.session_not_found()
            if session.revoked_at is None:
                await self._log.record(conn, SecurityEvent(user_id, Kind.LOGGED_OUT, device, session_id))
                await self._store.revoke(conn, session, now=now, until=self._tokens.over_by(now))

    async def revoke_others(self, user_id: int, keep: int, device: Device) -> Sequence[int]:
        """Ends all sessions in clients of our own but the one to keep (0: none is), and answers which; apps keep what
        they were allowed."""
        now = self._clock()
        async with self._postgres.primary.transaction() as conn:
            await self._accounts.lock(conn, user_id)
            await self._log.record(conn, SecurityEvent(user_id, Kind.SESSIONS_ENDED, device))
            until = self._tokens.over_by(now)
            return await self._store.revoke_all(conn, user_id, now=now, until=until, keep=keep, apps=False)

    async def revocations(self, after: int, *, size: int) -> Sequence[Revocation]:
        """In the order of their revisions; whoever saw one has seen all lower ones that still matter."""
        return await self._store.revocations(after, now=self._clock(), limit=size)

    async def sweep(self) -> None:
        """A task: forgets what has expired."""
        while True:
            await self._store.sweep(self._clock())
            await asyncio.sleep(_SWEEP_SECONDS)

    def _new_session(
        self, user_id: int, device: Device, scopes: Sequence[str], app_id: int
    ) -> tuple[Session, bytes, bytes]:
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
            device_name=names.plain(device.name).strip()[:MAX_DEVICE_NAME],
            app_id=app_id,
            scopes=tuple(scopes),
        )
        return session, family, secret

    def _granted(self, account: Account, session: Session, token: RefreshToken) -> Granted:
        scopes = still_granted(session.scopes, account.role)
        access = self._tokens.issue(
            user_id=token.user_id,
            session_id=token.session_id,
            now=self._clock(),
            scopes=scopes,
            client_id=f"app-{session.app_id}" if session.app_id else "",
        )
        return Granted(account.profile, token.session_id, scopes, access, str(token), self._tokens.lifetime)


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
