"""Use cases of an owner's passkeys."""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from kit.errors import FieldViolation

from user_service.model import errors, factor_errors, names
from user_service.model.factors import MAX_PASSKEY_NAME, MOST_PASSKEYS, Passkey, Purpose
from user_service.model.security import Device, Kind
from user_service.service.confirmations import Confirmation, Confirmations, PasskeyOptions
from user_service.service.factor_changes import FactorChanges
from user_service.service.relying_party import HANDLE_BYTES, RelyingParty
from user_service.store.factors import FactorStore
from user_service.store.passkeys import PasskeyStore

_UNNAMED = "Passkey"
_INT64_DIGITS = 19


class Passkeys:
    def __init__(
        self,
        changes: FactorChanges,
        confirmations: Confirmations,
        factors: FactorStore,
        store: PasskeyStore,
        party: RelyingParty,
        clock: Callable[[], datetime],
    ) -> None:
        self._changes, self._confirmations, self._factors = changes, confirmations, factors
        self._store, self._party, self._clock = store, party, clock

    async def begin(self, user_id: int, given: Confirmation, device: Device) -> PasskeyOptions:
        """Raises FailedPrecondition TOO_MANY_PASSKEYS, and what Confirmations.insist does."""
        await self._confirmations.insist(user_id, given, device)
        async with self._changes.changing(user_id) as (conn, account):
            handle = await self._store.make_handle(conn, user_id, secrets.token_bytes(HANDLE_BYTES))
        known = await self._store.of(user_id)
        if len(known) >= MOST_PASSKEYS:
            raise factor_errors.too_many_passkeys(MOST_PASSKEYS)
        ticket, challenge, expires_at = await self._confirmations.challenge(user_id, Purpose.REGISTRATION)
        profile = account.profile
        options = self._party.registration(challenge, handle, profile.username, profile.name, known)
        return PasskeyOptions(ticket, options, expires_at)

    async def finish(
        self, user_id: int, ticket: str, answer: str, name: str, device: Device
    ) -> tuple[Passkey, Sequence[str]]:
        """The new passkey, and recovery codes if it is the first factor. Raises InvalidArgument INVALID_FIELD or
        BAD_PASSKEY_REGISTRATION, AlreadyExists PASSKEY_TAKEN, FailedPrecondition TOO_MANY_PASSKEYS."""
        name = _checked_name(name)
        challenge = await self._confirmations.take(user_id, ticket, Purpose.REGISTRATION)
        found = self._party.register(answer, challenge) if challenge else None
        if found is None:
            raise factor_errors.bad_registration()
        passkey = Passkey(
            id=0,
            user_id=user_id,
            credential_id=found.credential_id,
            public_key=found.public_key,
            sign_count=found.sign_count,
            transports=found.transports,
            name=name,
            created_at=self._clock(),
            last_used_at=None,
        )
        async with self._changes.changing(user_id) as (conn, account):
            before = await self._factors.of_within(conn, user_id)
            if before.passkeys >= MOST_PASSKEYS:
                raise factor_errors.too_many_passkeys(MOST_PASSKEYS)
            passkey_id = await self._store.insert(conn, passkey)
            if passkey_id is None:
                raise factor_errors.passkey_taken()
            codes = await self._changes.added(conn, account, before, Kind.PASSKEY_ADDED, device, {"passkey": name})
        return replace(passkey, id=passkey_id), codes

    async def list(self, user_id: int, *, size: int, page_token: str) -> tuple[Sequence[Passkey], str]:
        """Newest first, and the token of the next page, empty at the end. Raises InvalidArgument BAD_PAGE_TOKEN."""
        if page_token and not (page_token.isascii() and page_token.isdecimal() and len(page_token) < _INT64_DIGITS):
            raise errors.bad_page_token()
        before = int(page_token) if page_token else None
        found = await self._store.of(user_id, before=before, limit=size + 1)
        return found[:size], str(found[size - 1].id) if len(found) > size else ""

    async def remove(self, user_id: int, passkey_id: int, given: Confirmation, device: Device) -> None:
        """Raises NotFound PASSKEY_NOT_FOUND, and what Confirmations.insist does."""
        await self._confirmations.insist(user_id, given, device)
        async with self._changes.changing(user_id) as (conn, account):
            name = await self._store.remove(conn, user_id, passkey_id)
            if name is None:
                raise factor_errors.passkey_not_found()
            await self._changes.removed(conn, account, Kind.PASSKEY_REMOVED, device, {"passkey": name})


def _checked_name(typed: str) -> str:
    """Raises InvalidArgument INVALID_FIELD."""
    name = names.clean_text(typed) or _UNNAMED
    if len(name) > MAX_PASSKEY_NAME or not name.isprintable():
        fault = f"must be printable and have at most {MAX_PASSKEY_NAME} characters"
        raise errors.invalid_fields([FieldViolation("/name", fault)])
    return name
