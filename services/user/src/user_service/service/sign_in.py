"""Who somebody is: a password, then a second factor where there is one. Every way in goes through here."""

import secrets
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Protocol

from kit.errors import Unavailable

from user_service.model import account_errors, errors, names
from user_service.model.accounts import Account, AccountState
from user_service.model.limits import Action
from user_service.model.security import Device
from user_service.model.sessions import SECRET_BYTES, hash_of
from user_service.model.sign_in import (
    CHALLENGE_LIFETIME,
    NOBODY,
    WEBAUTHN_BYTES,
    Challenge,
    Pending,
    Proof,
    Ticket,
    parse_ticket,
)
from user_service.service.guesses import Guesses
from user_service.service.passwords import Passwords
from user_service.store.accounts import AccountStore
from user_service.store.challenges import ChallengeStore

__all__ = ["Challenge", "Proof", "SecondFactors", "SignIn"]


class SecondFactors(Protocol):
    """The factors of an account beside its password."""

    async def methods(self, user_id: int) -> Sequence[str]:
        """Empty when the password alone is enough."""
        ...

    async def passkey_options(self, user_id: int, challenge: bytes) -> str:
        """For the passkeys of this account and this challenge of the relying party."""
        ...

    async def verify(self, user_id: int, proof: Proof, challenge: bytes, device: Device) -> bool:
        """Uses up what is good only once. False for whatever is wrong. Raises ResourceExhausted TOO_MANY_ATTEMPTS for
        codes after many wrong ones."""
        ...

    def log_in_options(self, challenge: bytes) -> str:
        """As passkey_options, for any passkey whose authenticator makes sure of its owner."""
        ...

    async def identify(self, assertion: str, challenge: bytes, device: Device) -> int | None:
        """The account whose passkey answered `log_in_options`: that is both factors. None for whatever is wrong."""
        ...


Undelete = Callable[[int, Device], Awaitable[Account]]
"""Calls off the deletion of an account, which is pending."""


class SignIn:
    def __init__(
        self,
        accounts: AccountStore,
        passwords: Passwords,
        factors: SecondFactors,
        challenges: ChallengeStore,
        guesses: Guesses,
        undelete: Undelete,
        clock: Callable[[], datetime],
        *,
        verified_only: bool = False,
    ) -> None:
        self._accounts, self._passwords, self._factors = accounts, passwords, factors
        self._challenges, self._guesses, self._undelete = challenges, guesses, undelete
        self._clock, self._verified_only = clock, verified_only

    async def start(
        self, login: str, password: str, device: Device, *, cancel_deletion: bool = False
    ) -> Account | Challenge:
        """The first step. `login` is a username or an e-mail address. Raises Unauthenticated BAD_CREDENTIALS for
        whatever is wrong, after the same time, ResourceExhausted TOO_MANY_ATTEMPTS, and what admit does."""
        named = _named(login)
        user_ids = await self._ids_of(named)
        async with self._guesses.one(Action.LOG_IN, named, user_ids, device) as meant:
            account = await self._whose(meant, _typed(password))
            if account is None:
                raise errors.bad_credentials()
        methods = await self._factors.methods(account.profile.id)
        if methods:
            return await self._challenge(account, methods)
        return await self._let_in(account, device, cancel_deletion)

    async def finish(self, ticket: str, proof: Proof, device: Device, *, cancel_deletion: bool = False) -> Account:
        """The second step, with a ticket of `start`. Raises Unauthenticated BAD_TICKET, or BAD_SECOND_FACTOR for
        whatever is wrong with the proof, ResourceExhausted TOO_MANY_ATTEMPTS, and what admit does."""
        shown, now = parse_ticket(ticket), self._clock()
        pending = await self._challenges.attempt(shown.user_id, shown.challenge_id, hash_of(shown.secret), now)
        if pending is None or pending.user_id == NOBODY:
            raise errors.bad_ticket()
        user_id = pending.user_id
        async with self._guesses.one(Action.SECOND_FACTOR, str(user_id), [user_id], device):
            if not await self._factors.verify(user_id, proof, pending.webauthn, device):
                raise errors.bad_second_factor()
        account = await self._accounts.get(user_id)
        used_up = await self._challenges.use_up(user_id, pending.id)
        if not used_up or account is None or account.epoch != pending.epoch:
            raise errors.bad_ticket()
        return await self._let_in(account, device, cancel_deletion)

    async def start_passkey(self) -> Challenge:
        """For a log-in by passkey alone: whose, the passkey will tell."""
        ticket, webauthn, expires_at = await self._new_challenge(NOBODY, 0)
        return Challenge(ticket, ("passkey",), self._factors.log_in_options(webauthn), expires_at)

    async def finish_passkey(
        self, ticket: str, assertion: str, device: Device, *, cancel_deletion: bool = False
    ) -> Account:
        """With a ticket of `start_passkey`, which is good for one answer. Raises Unauthenticated BAD_CREDENTIALS for
        whatever is wrong with the passkey, BAD_TICKET, ResourceExhausted TOO_MANY_ATTEMPTS, and what admit does."""
        shown, now = parse_ticket(ticket), self._clock()
        pending = await self._challenges.attempt(NOBODY, shown.challenge_id, hash_of(shown.secret), now)
        if pending is None or not await self._challenges.use_up(NOBODY, pending.id):
            raise errors.bad_ticket()
        async with self._guesses.one(Action.PASSKEY, "", (), device):
            user_id = await self._factors.identify(assertion, pending.webauthn, device)
            account = await self._accounts.get(user_id) if user_id else None
            if account is None:
                raise errors.bad_credentials()
        return await self._let_in(account, device, cancel_deletion)

    def admit(self, account: Account) -> Account:
        """For whoever has proved all there is to prove: the account, if it may be used. Raises PermissionDenied
        ACCOUNT_SUSPENDED or ACCOUNT_DELETION_PENDING, Unauthenticated BAD_CREDENTIALS once it is to be erased."""
        if account.profile.active:
            if self._verified_only and not account.email_verified:
                raise account_errors.email_not_verified()
            return account
        if account.profile.state is AccountState.SUSPENDED:
            raise errors.account_suspended()
        if account.delete_after and account.deletion_pending(self._clock()):
            raise errors.deletion_pending(account.delete_after)
        raise errors.bad_credentials()

    async def confirm(self, user_id: int, password: str, device: Device) -> None:
        """Before a change that a stolen session must not make. Raises Unauthenticated BAD_CREDENTIALS,
        ResourceExhausted TOO_MANY_ATTEMPTS."""
        async with self._guesses.one(Action.CONFIRM, str(user_id), [user_id], device):
            if not await self._passwords.matches(_typed(password), await self._accounts.password_hash(user_id)):
                raise errors.bad_credentials()

    async def _let_in(self, account: Account, device: Device, cancel_deletion: bool) -> Account:
        if cancel_deletion and account.deletion_pending(self._clock()):
            account = await self._undelete(account.profile.id, device)
        return self.admit(account)

    async def _challenge(self, account: Account, methods: Sequence[str]) -> Challenge:
        user_id = account.profile.id
        ticket, webauthn, expires_at = await self._new_challenge(user_id, account.epoch)
        options = await self._factors.passkey_options(user_id, webauthn) if "passkey" in methods else ""
        return Challenge(ticket, methods, options, expires_at)

    async def _new_challenge(self, user_id: int, epoch: int) -> tuple[str, bytes, datetime]:
        secret, webauthn = secrets.token_bytes(SECRET_BYTES), secrets.token_bytes(WEBAUTHN_BYTES)
        expires_at = self._clock() + CHALLENGE_LIFETIME
        pending = Pending(0, user_id, hash_of(secret), webauthn, epoch, 0, expires_at)
        return str(Ticket(user_id, await self._challenges.insert(pending), secret)), webauthn, expires_at

    async def _whose(self, user_ids: Sequence[int], password: str) -> Account | None:
        """As many queries and hashes for every login of a kind, whether there is such an account or not."""
        found: tuple[Account, str] | None = None
        for user_id in user_ids:
            account, password_hash = await self._accounts.get(user_id), await self._accounts.password_hash(user_id)
            if await self._passwords.matches(password, password_hash) and account and password_hash:
                found = found or (account, password_hash)
        if found is None:
            return None
        account, password_hash = found
        await self._renew(account.profile.id, password, password_hash)
        return account

    async def _renew(self, user_id: int, password: str, password_hash: str) -> None:
        """After a change of the cost, this is when the password is at hand."""
        if self._passwords.is_outdated(password_hash):
            with suppress(Unavailable):  # another time will do
                await self._accounts.rehash(user_id, password_hash, await self._passwords.hash(password))

    async def _ids_of(self, named: str) -> Sequence[int]:
        """0 stands for nobody. An address may have been named by two accounts, of which one owns it."""
        if "@" in named:
            return await self._accounts.ids_of_email(named)
        return [(await self._accounts.ids_of([named])).get(named, 0)]


def _named(login: str) -> str:
    """The one spelling of a username or an e-mail address."""
    wanted = names.plain(login.strip())
    return names.email_key(wanted) if "@" in wanted else names.fold_username(wanted)


def _typed(password: str) -> str:
    return names.fold_password(password)[: names.MAX_PASSWORD + 1]
