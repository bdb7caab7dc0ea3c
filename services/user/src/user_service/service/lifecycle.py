"""Asking for what one's account takes with it, and for its end."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from kit.outbox import Outbox
from kit.postgres import Connection

from user_service.model import errors
from user_service.model.accounts import Account, AccountState, Role
from user_service.model.lifecycle import Export, ExportState, Link, admin_account, check_pause, export_not_found
from user_service.model.mail import Mail
from user_service.model.security import Device, Kind, SecurityEvent
from user_service.service.confirmations import Confirmation, Confirmations
from user_service.service.states import States
from user_service.store.accounts import AccountStore
from user_service.store.lifecycle import ErasureStore, ExportStore
from user_service.store.mail import MailQueue
from user_service.store.security_log import SecurityLog

_LINK_LIFE = timedelta(minutes=15)
_LETTER_LIFE = timedelta(days=2)


class Links(Protocol):
    def link(self, object_key: str, *, seconds: float) -> str:
        """Where whoever knows it can fetch the object for so long."""
        ...


class Lifecycle:
    def __init__(
        self,
        outbox: Outbox,
        accounts: AccountStore,
        exports: ExportStore,
        erasures: ErasureStore,
        states: States,
        confirmations: Confirmations,
        log: SecurityLog,
        mail: MailQueue,
        links: Links,
        clock: Callable[[], datetime],
        *,
        pause: timedelta,
        grace: timedelta,
    ) -> None:
        self._outbox, self._accounts, self._exports, self._erasures = outbox, accounts, exports, erasures
        self._states, self._confirmations, self._log, self._mail = states, confirmations, log, mail
        self._links, self._clock, self._pause, self._grace = links, clock, pause, grace

    async def request_export(self, user_id: int, device: Device) -> Export:
        """A new one, or the one under way. Raises NotFound USER_NOT_FOUND, ResourceExhausted TOO_MANY_EXPORTS."""
        now = self._clock()
        async with self._outbox.transaction() as transaction:
            account = await self._accounts.lock(transaction.conn, user_id)
            if account is None or not account.profile.active:
                raise errors.user_not_found()
            newest = await self._exports.newest_in(transaction.conn, user_id)
            if newest is not None and newest.under_way:
                return newest
            check_pause(newest, self._pause, now)
            export = await self._exports.insert(transaction.conn, user_id, now)
            await self._log.record(transaction.conn, SecurityEvent(user_id, Kind.EXPORT_REQUESTED, device))
        return export

    async def export(self, user_id: int) -> tuple[Export, Link | None]:
        """The newest, with a link while there is an archive. Raises NotFound EXPORT_NOT_FOUND."""
        export, now = await self._exports.newest(user_id), self._clock()
        if export is None:
            raise export_not_found()
        left = (export.expires_at - now) if export.expires_at else timedelta()
        if export.state is not ExportState.READY or left < timedelta(seconds=1):
            return export, None
        life = min(_LINK_LIFE, left)
        return export, Link(self._links.link(export.object_key, seconds=life.total_seconds()), now + life)

    async def delete(self, user_id: int, given: Confirmation, device: Device) -> datetime:
        """Answers when the account will be erased. Raises Unauthenticated, PermissionDenied SECOND_FACTOR_REQUIRED,
        FailedPrecondition ADMIN_ACCOUNT or WRONG_ACCOUNT_STATE, NotFound USER_NOT_FOUND."""
        await self._confirmations.insist(user_id, given, device)
        now = self._clock()
        delete_after = now + self._grace

        async def note(conn: Connection, account: Account) -> None:
            if account.role is not Role.MEMBER:
                raise admin_account()
            await self._erasures.request(conn, user_id, now, delete_after)
            await self._mail.put(conn, self._letter(account, "deletion_requested", {"date": _day(delete_after)}))

        await self._states.change(
            user_id,
            AccountState.DELETED,
            allowed_from=[AccountState.ACTIVE],
            kind=Kind.DELETION_REQUESTED,
            device=device,
            delete_after=delete_after,
            also=note,
        )
        return delete_after

    def _letter(self, account: Account, template: str, variables: Mapping[str, str]) -> Mail:
        told = {"username": account.profile.username, **variables}
        return Mail(account.profile.id, account.email, template, self._clock() + _LETTER_LIFE, told)


def _day(moment: datetime) -> str:
    return f"{moment:%-d %B %Y, %H:%M} UTC"
