"""Log-ins on our own pages: a browser keeps a cookie where another client keeps tokens."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from kit.postgres import Connection

from user_service.model.accounts import Account
from user_service.model.oauth import BROWSER_LIFETIME, BROWSER_PREFIX, Browser, Handle, opens, parse_handle
from user_service.model.security import Device
from user_service.model.sessions import SECRET_BYTES, hash_of
from user_service.service.known_devices import KnownDevices
from user_service.service.sessions import Sessions
from user_service.service.sign_in import Challenge, Proof, SignIn
from user_service.store.grants import GrantStore


@dataclass(frozen=True)
class LoggedIn:
    """`token` is for the cookie of this one browser: each log-in makes a new one. `device_token` outlives it: it is to
    be shown at the next log-in."""

    token: str = field(repr=False)
    device_token: str = field(repr=False)


class Browsers:
    def __init__(
        self,
        grants: GrantStore,
        sign_in: SignIn,
        sessions: Sessions,
        devices: KnownDevices,
        clock: Callable[[], datetime],
    ) -> None:
        self._grants, self._sign_in, self._sessions = grants, sign_in, sessions
        self._devices, self._clock = devices, clock

    async def log_in(self, login: str, password: str, device: Device) -> LoggedIn | Challenge:
        """Raises what SignIn.start does."""
        account = await self._sign_in.start(login, password, device)
        return account if isinstance(account, Challenge) else await self._open(account, device)

    async def pass_second_factor(self, ticket: str, proof: Proof, device: Device) -> LoggedIn:
        """Raises what SignIn.finish does."""
        return await self._open(await self._sign_in.finish(ticket, proof, device), device)

    async def who(self, token: str) -> Browser | None:
        """Who is logged in in the browser with this token, if anybody still is."""
        handle = parse_handle(token, BROWSER_PREFIX)
        found = await self._grants.browser(handle, self._clock()) if handle else None
        return found[0] if handle and found and opens(handle, found[1]) else None

    async def log_out(self, token: str, device: Device) -> None:
        if found := await self.who(token):
            await self._sessions.revoke(found.user_id, found.session_id, device)

    async def _open(self, account: Account, device: Device) -> LoggedIn:
        """A session like any other, listed among the account's devices and ended with all others; its tokens, which
        could do nothing, are given to nobody."""
        user_id, secret = account.profile.id, secrets.token_bytes(SECRET_BYTES)
        until = self._clock() + BROWSER_LIFETIME

        async def remember(conn: Connection, session_id: int) -> None:
            await self._grants.insert_browser(conn, user_id, session_id, hash_of(secret), until)

        granted = await self._sessions.open(account, device, scopes=(), also=remember)
        token = Handle(user_id, granted.session_id, secret).text(BROWSER_PREFIX)
        return LoggedIn(token, await self._devices.remember(user_id, device.token))
