"""Use case of usernames: change one's own."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from kit.errors import FieldViolation
from kit.outbox import Event, Outbox
from kit.postgres import Connection

from user_service.model import account_errors, errors, names
from user_service.model.accounts import Account, Change, ProfileChanged
from user_service.model.mail import Mail
from user_service.model.security import Device, Kind, SecurityEvent
from user_service.service.addresses import NOTICE_LIFETIME
from user_service.service.letters import span
from user_service.store.accounts import AccountStore
from user_service.store.mail import MailQueue
from user_service.store.profiles import ProfileCache
from user_service.store.security_log import SecurityLog
from user_service.store.usernames import UsernameStore


@dataclass(frozen=True)
class UsernameRules:
    """For `hold` after a change the former name leads to the account, and no more than `most` changes are made."""

    hold: timedelta
    most: int


class Usernames:
    def __init__(
        self,
        outbox: Outbox,
        accounts: AccountStore,
        usernames: UsernameStore,
        cache: ProfileCache,
        mail: MailQueue,
        security: SecurityLog,
        event_of: Callable[[Change], Event],
        rules: UsernameRules,
        clock: Callable[[], datetime],
    ) -> None:
        self._outbox, self._accounts, self._usernames, self._cache = outbox, accounts, usernames, cache
        self._mail, self._security, self._event_of = mail, security, event_of
        self._rules, self._clock = rules, clock

    async def change(self, user_id: int, username: str, device: Device) -> Account:
        """The name that the account has already is no change. Raises InvalidArgument INVALID_FIELD, AlreadyExists
        USERNAME_TAKEN, ResourceExhausted USERNAME_CHANGED_TOO_OFTEN, NotFound USER_NOT_FOUND."""
        if fault := names.username_fault(username):
            raise errors.invalid_fields([FieldViolation("/username", fault)])
        wanted = names.fold_username(username)
        async with self._outbox.transaction() as transaction:
            conn = transaction.conn
            before = await self._accounts.lock(conn, user_id)
            if before is None or not before.profile.active:
                raise errors.user_not_found()
            if before.profile.username == wanted:
                return before
            await self._insist_on_rest(conn, user_id)
            after = await self._rename(conn, before, wanted)
            await self._tell(conn, before, after, device)
            await transaction.emit(self._event_of(ProfileChanged(after.profile)))
        await self._cache.put(after.profile)
        return after

    async def _insist_on_rest(self, conn: Connection, user_id: int) -> None:
        now = self._clock()
        made = await self._usernames.changes_since(conn, user_id, now - self._rules.hold)
        if len(made) >= self._rules.most:
            free_at = made[-self._rules.most] + self._rules.hold
            raise account_errors.username_changed_too_often((free_at - now).total_seconds())

    async def _rename(self, conn: Connection, before: Account, wanted: str) -> Account:
        user_id = before.profile.id
        if not await self._usernames.claim(conn, user_id, wanted):
            raise account_errors.username_taken()
        if not await self._usernames.claim_look(conn, user_id, wanted):
            raise account_errors.username_like_another()
        await self._usernames.leave(
            conn, user_id, before.profile.username, wanted, now=self._clock(), hold=self._rules.hold
        )
        profile = replace(before.profile, username=wanted, version=before.profile.version + 1)
        await self._accounts.rename(conn, profile)
        return before.with_profile(profile)

    async def _tell(self, conn: Connection, before: Account, after: Account, device: Device) -> None:
        user_id, former, new = after.profile.id, before.profile.username, after.profile.username
        event = SecurityEvent(user_id, Kind.USERNAME_CHANGED, device, details={"from": former, "to": new})
        await self._security.record(conn, event)
        told = {"username": new, "former": former, "valid": span(self._rules.hold / timedelta(days=1))}
        expires_at = self._clock() + NOTICE_LIFETIME
        await self._mail.put(conn, Mail(user_id, after.email, "username_changed", expires_at, told))
