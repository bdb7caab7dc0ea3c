"""Who somebody is: a password, then a second factor where there is one. Every way in goes through here."""

import secrets
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from user_service.model import errors, names
from user_service.model.accounts import Account, AccountState
from user_service.model.security import Device
from user_service.model.sessions import SECRET_BYTES, hash_of
from user_service.model.sign_in import (
    CHALLENGE_LIFETIME,
    WEBAUTHN_BYTES,
    Challenge,
    Pending,
    Proof,
    Ticket,
    parse_ticket,
)
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


class SignIn:
    def __init__(
        self,
        accounts: AccountStore,
        passwords: Passwords,
        factors: SecondFactors,
        challenges: ChallengeStore,
        clock: Callable[[], datetime],
    ) -> None:
        self._accounts, self._passwords, self._factors = accounts, passwords, factors
        self._challenges, self._clock = challenges, clock

    async def start(self, login: str, password: str, device: Device) -> Account | Challenge:
        """The first step. `login` is a username or an e-mail address. Raises Unauthenticated BAD_CREDENTIALS for
        whatever is wrong, after the same time, and what admit does."""
        # As many queries whether there is such an account or not.
        user_id = await self._id_of(login)
        account, password_hash = await self._accounts.get(user_id), await self._accounts.password_hash(user_id)
        right = await self._passwords.matches(_typed(password), password_hash)
        if account is None or not right:
            raise errors.bad_credentials()
        methods = await self._factors.methods(user_id)
        return await self._challenge(account, methods) if methods else self.admit(account)

    async def finish(self, ticket: str, proof: Proof, device: Device) -> Account:
        """The second step, with a ticket of `start`. Raises Unauthenticated BAD_TICKET, or BAD_SECOND_FACTOR for
        whatever is wrong with the proof, and what admit does."""
        shown, now = parse_ticket(ticket), self._clock()
        pending = await self._challenges.attempt(shown.user_id, shown.challenge_id, hash_of(shown.secret), now)
        if pending is None:
            raise errors.bad_ticket()
        if not await self._factors.verify(pending.user_id, proof, pending.webauthn, device):
            raise errors.bad_second_factor()
        account = await self._accounts.get(pending.user_id)
        used_up = await self._challenges.use_up(pending.user_id, pending.id)
        if not used_up or account is None or account.epoch != pending.epoch:
            raise errors.bad_ticket()
        return self.admit(account)

    def admit(self, account: Account) -> Account:
        """For whoever has proved all there is to prove: the account, if it may be used. Raises PermissionDenied
        ACCOUNT_SUSPENDED or ACCOUNT_DELETION_PENDING, Unauthenticated BAD_CREDENTIALS once it is to be erased."""
        if account.profile.active:
            return account
        if account.profile.state is AccountState.SUSPENDED:
            raise errors.account_suspended()
        if account.delete_after and account.delete_after > self._clock():
            raise errors.deletion_pending(account.delete_after)
        raise errors.bad_credentials()

    async def confirm(self, user_id: int, password: str, device: Device) -> None:
        """Before a change that a stolen session must not make. Raises Unauthenticated BAD_CREDENTIALS."""
        if not await self._passwords.matches(_typed(password), await self._accounts.password_hash(user_id)):
            raise errors.bad_credentials()

    async def _challenge(self, account: Account, methods: Sequence[str]) -> Challenge:
        user_id, secret = account.profile.id, secrets.token_bytes(SECRET_BYTES)
        webauthn, expires_at = secrets.token_bytes(WEBAUTHN_BYTES), self._clock() + CHALLENGE_LIFETIME
        pending = Pending(0, user_id, hash_of(secret), webauthn, account.epoch, 0, expires_at)
        ticket = Ticket(user_id, await self._challenges.insert(pending), secret)
        options = await self._factors.passkey_options(user_id, webauthn) if "passkey" in methods else ""
        return Challenge(str(ticket), methods, options, expires_at)

    async def _id_of(self, login: str) -> int:
        """0 when it is nobody's."""
        wanted = names.plain(login.strip())
        if "@" in wanted:
            return await self._accounts.id_of_email(names.email_key(wanted)) or 0
        username = names.fold_username(wanted)
        return (await self._accounts.ids_of([username])).get(username, 0)


def _typed(password: str) -> str:
    return names.fold_password(password)[: names.MAX_PASSWORD + 1]
