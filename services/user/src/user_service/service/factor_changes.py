"""Use cases of an owner's second factors: codes of an app, recovery codes, and what holds for all of them.

Every change locks the account's row: which factor is the first and which the last is then no race.
"""

import secrets
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime

from kit.postgres import Connection, Postgres

from user_service.model import errors, factor_errors
from user_service.model.accounts import Account
from user_service.model.factors import PENDING, RECOVERY_BYTES, RECOVERY_CODES, Factors, hash_of_code, recovery_code
from user_service.model.security import Device, Kind
from user_service.service import totp as codes
from user_service.service.confirmations import Confirmation, Confirmations
from user_service.service.factor_notices import FactorNotices
from user_service.service.sealing import Seals
from user_service.store.accounts import AccountStore
from user_service.store.factors import FactorStore
from user_service.store.passkeys import PasskeyStore


@dataclass(frozen=True)
class NewSecret:
    """To be shown once: as text, and as what a QR code holds."""

    text: str = field(repr=False)
    uri: str = field(repr=False)
    expires_at: datetime


class FactorChanges:
    def __init__(
        self,
        postgres: Postgres,
        accounts: AccountStore,
        store: FactorStore,
        passkeys: PasskeyStore,
        confirmations: Confirmations,
        notices: FactorNotices,
        seals: Seals,
        clock: Callable[[], datetime],
    ) -> None:
        self._postgres, self._accounts, self._store, self._passkeys = postgres, accounts, store, passkeys
        self._confirmations, self._notices, self._seals, self._clock = confirmations, notices, seals, clock

    async def get(self, user_id: int) -> Factors:
        return await self._store.of(user_id)

    async def begin_totp(self, user_id: int, given: Confirmation, device: Device) -> NewSecret:
        """A new secret that waits for its first code, in place of one that waits already. Raises FailedPrecondition
        TOTP_ON_ALREADY, and what Confirmations.insist does."""
        await self._confirmations.insist(user_id, given, device)
        secret, expires_at = secrets.token_bytes(codes.SECRET_BYTES), self._clock() + PENDING
        async with self.changing(user_id) as (conn, account):
            there = await self._store.lock_totp(conn, user_id)
            if there and there.confirmed_at:
                raise factor_errors.totp_on_already()
            await self._store.begin_totp(conn, user_id, self._seals.seal(user_id, secret), expires_at)
        return NewSecret(codes.text_of(secret), codes.uri_of(secret, account.profile.username), expires_at)

    async def confirm_totp(self, user_id: int, code: str, device: Device) -> Sequence[str]:
        """From now on a log-in needs a code. Answers recovery codes if this is the first factor. Raises
        FailedPrecondition TOTP_NOT_PENDING, Unauthenticated BAD_SECOND_FACTOR."""
        now = self._clock()
        async with self.changing(user_id) as (conn, account):
            before, waiting = await self._store.of_within(conn, user_id), await self._store.lock_totp(conn, user_id)
            if waiting is None or waiting.confirmed_at or waiting.expires_at <= now:
                raise factor_errors.totp_not_pending()
            step = codes.matching_step(self._seals.open(user_id, waiting.secret), code, now, after=waiting.last_step)
            if step is None:
                raise errors.bad_second_factor()
            await self._store.confirm_totp(conn, user_id, step, now)
            return await self.added(conn, account, before, Kind.TOTP_ADDED, device, {})

    async def remove_totp(self, user_id: int, given: Confirmation, device: Device) -> None:
        """Raises NotFound TOTP_NOT_FOUND, and what Confirmations.insist does."""
        await self._confirmations.insist(user_id, given, device)
        async with self.changing(user_id) as (conn, account):
            if (await self._store.of_within(conn, user_id)).totp is None:
                raise factor_errors.totp_not_found()
            await self._store.remove_totp(conn, user_id)
            await self.removed(conn, account, Kind.TOTP_REMOVED, device, {})

    async def make_recovery_codes(self, user_id: int, given: Confirmation, device: Device) -> Sequence[str]:
        """New ones; those of before are void. Raises FailedPrecondition NO_SECOND_FACTOR, and what Confirmations.insist
        does."""
        await self._confirmations.insist(user_id, given, device)
        async with self.changing(user_id) as (conn, account):
            if not (await self._store.of_within(conn, user_id)).any:
                raise factor_errors.no_factor()
            made = await self._make_codes(conn, user_id)
            await self._notices.tell(conn, account, Kind.RECOVERY_CODES_MADE, device, {})
        return made

    @asynccontextmanager
    async def changing(self, user_id: int) -> AsyncGenerator[tuple[Connection, Account]]:
        """A transaction that holds the account's row. Raises NotFound USER_NOT_FOUND when it is not active."""
        async with self._postgres.primary.transaction() as conn:
            account = await self._accounts.lock(conn, user_id)
            if account is None or not account.profile.active:
                raise errors.user_not_found()
            yield conn, account

    async def added(
        self,
        conn: Connection,
        account: Account,
        before: Factors,
        kind: Kind,
        device: Device,
        details: Mapping[str, str],
    ) -> Sequence[str]:
        """Tells of a new factor; with the first come recovery codes."""
        await self._notices.tell(conn, account, kind, device, details)
        if before.any:
            return ()
        await self._notices.record(conn, account.profile.id, Kind.RECOVERY_CODES_MADE, device)
        return await self._make_codes(conn, account.profile.id)

    async def removed(
        self, conn: Connection, account: Account, kind: Kind, device: Device, details: Mapping[str, str]
    ) -> None:
        """Tells of a factor that is gone; with the last go the recovery codes."""
        if not (await self._store.of_within(conn, account.profile.id)).any:
            await self._store.replace_codes(conn, account.profile.id, ())
        await self._notices.tell(conn, account, kind, device, details)

    async def _make_codes(self, conn: Connection, user_id: int) -> Sequence[str]:
        made = [recovery_code(secrets.token_bytes(RECOVERY_BYTES)) for _ in range(RECOVERY_CODES)]
        await self._store.replace_codes(conn, user_id, [hash_of_code(code) for code in made])
        return made
