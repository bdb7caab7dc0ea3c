"""Authorization codes become sessions: once, or not at all."""

import asyncio
from collections.abc import Callable
from datetime import datetime

from kit.errors import Unauthenticated
from kit.postgres import Connection, Postgres

from user_service.model.apps import App
from user_service.model.oauth import CODE_PREFIX, CODES_REMEMBERED, Code, opens, parse_handle
from user_service.model.security import Device, Kind
from user_service.service.oauth.ending import Ending
from user_service.service.sessions import Granted, Sessions
from user_service.store.accounts import AccountStore
from user_service.store.app_sessions import AppSessionStore
from user_service.store.apps import AppStore
from user_service.store.grants import GrantStore

_SWEEP_SECONDS = 600.0


class _TooLateError(Exception):
    """Somebody was faster with this code, or what it rested on has ended."""


class Codes:
    def __init__(
        self,
        postgres: Postgres,
        apps: AppStore,
        grants: GrantStore,
        accounts: AccountStore,
        app_sessions: AppSessionStore,
        sessions: Sessions,
        ending: Ending,
        clock: Callable[[], datetime],
    ) -> None:
        self._postgres, self._apps, self._grants, self._accounts = postgres, apps, grants, accounts
        self._app_sessions, self._sessions, self._ending, self._clock = app_sessions, sessions, ending, clock

    async def find(self, text: str) -> Code | None:
        """Good or not."""
        handle = parse_handle(text, CODE_PREFIX)
        code = await self._grants.code(handle) if handle else None
        return code if handle and code and opens(handle, code.secret_hash) else None

    async def redeem(self, code: Code, app: App, device: Device) -> Granted | None:
        """A session for a code that was judged to be good. None when it has been used meanwhile, or the browser's
        log-in, the account or the app has ended since."""
        account = await self._accounts.get(code.user_id)
        now = self._clock()

        async def use(conn: Connection, session_id: int) -> None:
            lives = await self._app_sessions.lives(conn, code.user_id, code.login_id, now)
            held = await self._apps.hold(conn, app.id)
            if not (lives and held and await self._grants.use_code(conn, code, now, session_id)):
                raise _TooLateError

        scopes = [scope for scope in code.scopes if scope in app.scopes]
        try:
            return account and await self._sessions.open(account, device, scopes=scopes, app_id=app.id, also=use)
        except (_TooLateError, Unauthenticated):
            return None

    async def refused(self, code: Code, app: App, device: Device) -> None:
        """The app showed this code and did not get anything for it: a used one ends what it gave, as its thief and its
        owner cannot be told apart (RFC 6749, section 4.1.2); another of the app is good for no second attempt."""
        if code.app_id == app.id and code.used_at is None:
            async with self._postgres.primary.transaction() as conn:
                await self._grants.use_code(conn, code, self._clock())
        elif code.session_id:
            await self._ending.end(code.user_id, code.session_id, Kind.CODE_REUSED, device)

    async def sweep(self) -> None:
        """A task: forgets codes and log-ins of browsers that have long expired."""
        while True:
            now = self._clock()
            await self._grants.sweep(now - CODES_REMEMBERED, now)
            await asyncio.sleep(_SWEEP_SECONDS)
