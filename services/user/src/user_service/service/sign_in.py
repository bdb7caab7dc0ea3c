"""Who somebody is: a password, then a second factor where there is one. Every way in goes through here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from user_service.model import errors, names
from user_service.model.accounts import Account
from user_service.model.security import Device
from user_service.service.passwords import Passwords
from user_service.store.accounts import AccountStore


@dataclass(frozen=True)
class Proof:
    """Of a second factor: exactly one of them is not empty. `assertion` is the JSON of a passkey's answer."""

    code: str = ""
    recovery_code: str = ""
    assertion: str = ""


@dataclass(frozen=True)
class Challenge:
    """A second factor is due: the ticket says that the password was right, and is good for `finish` alone.

    `methods` are of "totp", "recovery_code", "passkey"; `passkey_options` are a PublicKeyCredentialRequestOptions in
    JSON (WebAuthn, section 5.5), empty without passkeys.
    """

    ticket: str
    methods: Sequence[str]
    passkey_options: str
    expires_at: datetime


class SecondFactors(Protocol):
    """The factors of an account beside its password."""

    async def methods(self, user_id: int) -> Sequence[str]:
        """Empty when the password alone is enough."""
        ...

    async def passkey_options(self, user_id: int, challenge: bytes) -> str:
        """For the passkeys of this account and this challenge of the relying party."""
        ...

    async def verify(self, user_id: int, proof: Proof, challenge: bytes) -> bool:
        """Uses up what is good only once. False for whatever is wrong."""
        ...


class SignIn:
    def __init__(self, accounts: AccountStore, passwords: Passwords) -> None:
        self._accounts, self._passwords = accounts, passwords

    async def start(self, login: str, password: str, device: Device) -> Account | Challenge:
        """`login` is a username or an e-mail address. Raises Unauthenticated BAD_CREDENTIALS for whatever is wrong,
        after the same time."""
        # As many queries whether there is such an account or not.
        user_id = await self._id_of(login)
        account, password_hash = await self._accounts.get(user_id), await self._accounts.password_hash(user_id)
        right = await self._passwords.matches(_typed(password), password_hash)
        if account is None or not right or not account.profile.active:
            raise errors.bad_credentials()
        return account

    async def confirm(self, user_id: int, password: str, device: Device) -> None:
        """Before a change that a stolen session must not make. Raises Unauthenticated BAD_CREDENTIALS."""
        if not await self._passwords.matches(_typed(password), await self._accounts.password_hash(user_id)):
            raise errors.bad_credentials()

    async def _id_of(self, login: str) -> int:
        """0 when it is nobody's."""
        wanted = names.plain(login.strip())
        if "@" in wanted:
            return await self._accounts.id_of_email(names.email_key(wanted)) or 0
        username = names.fold_username(wanted)
        return (await self._accounts.ids_of([username])).get(username, 0)


def _typed(password: str) -> str:
    return names.fold_password(password)[: names.MAX_PASSWORD + 1]
