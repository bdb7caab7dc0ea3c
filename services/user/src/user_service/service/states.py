"""The state of an account: every change of it goes through here."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import datetime

from kit.outbox import Event, Outbox
from kit.postgres import Connection

from user_service.model import errors
from user_service.model.accounts import Account, AccountState, AccountStateChanged, Change, in_state
from user_service.model.security import Device, Kind, SecurityEvent
from user_service.service.tokens import AccessTokens
from user_service.store.accounts import AccountStore
from user_service.store.profiles import ProfileCache
from user_service.store.security_log import SecurityLog
from user_service.store.sessions import SessionStore

Also = Callable[[Connection, Account], Awaitable[None]]


async def _nothing(_conn: Connection, _account: Account) -> None:
    pass


class States:
    """`event_of` puts a change into the words that other services know."""

    def __init__(
        self,
        outbox: Outbox,
        accounts: AccountStore,
        sessions: SessionStore,
        cache: ProfileCache,
        log: SecurityLog,
        tokens: AccessTokens,
        event_of: Callable[[Change], Event],
        clock: Callable[[], datetime],
    ) -> None:
        self._outbox, self._accounts, self._sessions, self._cache = outbox, accounts, sessions, cache
        self._log, self._tokens, self._event_of, self._clock = log, tokens, event_of, clock

    async def change(
        self,
        user_id: int,
        to: AccountState,
        *,
        allowed_from: Collection[AccountState],
        kind: Kind,
        device: Device,
        details: Mapping[str, str] | None = None,
        delete_after: datetime | None = None,
        also: Also = _nothing,
    ) -> Account:
        """In one transaction: the state, the owner's security log, the event, and the end of every session and app
        grant unless the new state is ACTIVE. `also` runs in it before anything is written, with the account as it was
        and its row locked: what it raises undoes all. Raises NotFound USER_NOT_FOUND, FailedPrecondition
        WRONG_ACCOUNT_STATE.

        The cached profile is written at the end; when Redis is away, profiles come from Postgres and the event brings
        the cache up to date.
        """
        async with self._outbox.transaction() as transaction:
            conn = transaction.conn
            before = await self._accounts.lock(conn, user_id)
            if before is None:
                raise errors.user_not_found()
            await also(conn, before)
            if before.profile.state not in allowed_from:
                raise errors.wrong_state(before.profile.state.name)
            after = in_state(before, to, delete_after)
            await self._accounts.set_state(conn, after)
            await self._log.record(conn, SecurityEvent(user_id, kind, device, details=details or {}))
            await transaction.emit(self._event_of(AccountStateChanged(after.profile)))
            if to is not AccountState.ACTIVE:
                await self.end_sessions(conn, user_id)
        await self._cache.put(after.profile)
        return after

    async def end_sessions(self, conn: Connection, user_id: int) -> None:
        """The last statement of a transaction that holds the account's row."""
        now = self._clock()
        await self._sessions.revoke_all(conn, user_id, now=now, until=self._tokens.over_by(now))
