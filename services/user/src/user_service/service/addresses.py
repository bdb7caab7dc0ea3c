"""Use cases of e-mail addresses: confirm one, change it."""

from collections.abc import Callable
from datetime import datetime, timedelta

from kit.errors import FieldViolation
from kit.postgres import Connection, Postgres

from user_service.model import account_errors, errors, names
from user_service.model.accounts import Account
from user_service.model.letters import LetterRequest, LetterToken, Purpose, parse_token
from user_service.model.limits import Action
from user_service.model.mail import Mail
from user_service.model.security import Device, Kind, SecurityEvent
from user_service.model.sessions import hash_of
from user_service.service.limits import Limits
from user_service.service.sign_in import SignIn
from user_service.store.accounts import AccountStore
from user_service.store.credentials import CredentialStore
from user_service.store.emails import EmailStore
from user_service.store.letter_requests import LetterRequests
from user_service.store.mail import MailQueue
from user_service.store.security_log import SecurityLog

NOTICE_LIFETIME = timedelta(days=3)
"""For as long it is worth telling somebody what happened."""


class Addresses:
    def __init__(
        self,
        postgres: Postgres,
        accounts: AccountStore,
        emails: EmailStore,
        credentials: CredentialStore,
        requests: LetterRequests,
        mail: MailQueue,
        security: SecurityLog,
        sign_in: SignIn,
        limits: Limits,
        clock: Callable[[], datetime],
    ) -> None:
        self._postgres, self._accounts, self._emails, self._credentials = postgres, accounts, emails, credentials
        self._requests, self._mail, self._security = requests, mail, security
        self._sign_in, self._limits, self._clock = sign_in, limits, clock

    async def ask(self, email: str, device: Device) -> None:
        """Another letter for whoever has yet to confirm this address. The same for every address there can be. Raises
        InvalidArgument INVALID_FIELD for what is none, ResourceExhausted TOO_MANY_ATTEMPTS."""
        address = _address(email)
        await self._limits.count(Action.RESEND, names.email_key(address), device)
        await self._requests.ask(LetterRequest(Purpose.VERIFY_EMAIL, address, device))

    async def change(self, user_id: int, password: str, email: str, device: Device) -> None:
        """Sends a letter to the new address, whose link makes it the account's, and a notice to the old one. Nothing
        tells whether the new address is somebody's. Raises InvalidArgument INVALID_FIELD, Unauthenticated
        BAD_CREDENTIALS, NotFound USER_NOT_FOUND, ResourceExhausted TOO_MANY_ATTEMPTS."""
        wanted = _address(email)
        # Read before the password is looked at: whatever is changed from then on shows by the epoch.
        before = await self._accounts.get(user_id)
        await self._sign_in.confirm(user_id, password, device)
        await self._limits.count(Action.RESEND, names.email_key(wanted), device)
        async with self._postgres.primary.transaction() as conn:
            account = await self._accounts.lock(conn, user_id)
            if account is None or before is None:
                raise errors.user_not_found()
            if account.epoch != before.epoch:
                raise errors.bad_credentials()
            await self._credentials.drop_tokens(conn, user_id, Purpose.CHANGE_EMAIL)
            await self._requests.put(conn, LetterRequest(Purpose.CHANGE_EMAIL, wanted, device, user_id))
            await self._security.record(conn, SecurityEvent(user_id, Kind.EMAIL_CHANGE_REQUESTED, device))
            await self._notify(conn, account, "email_change_requested")

    async def verify(self, text: str, device: Device) -> None:
        """Uses up the token of a letter: its address is the account's from now on, and proved. Raises InvalidArgument
        BAD_TOKEN, AlreadyExists EMAIL_TAKEN when it has become somebody else's meanwhile, ResourceExhausted
        TOO_MANY_ATTEMPTS."""
        await self._limits.count(Action.VERIFY, "", device)
        token = parse_token(text)
        if token.purpose is Purpose.RESET_PASSWORD:
            raise account_errors.bad_letter_token()
        async with self._postgres.primary.transaction() as conn:
            account = await self._accounts.lock(conn, token.user_id)
            email = await self._credentials.take_token(
                conn, token.user_id, token.purpose, hash_of(token.secret), self._clock()
            )
            if account is None or email is None:
                raise account_errors.bad_letter_token()
            await self._prove(conn, account, email, token, device)

    async def _prove(self, conn: Connection, account: Account, email: str, token: LetterToken, device: Device) -> None:
        moves = names.email_key(account.email) != names.email_key(email)
        if moves and token.purpose is Purpose.VERIFY_EMAIL:
            raise account_errors.bad_letter_token()
        if not await self._emails.prove(conn, token.user_id, email):
            raise account_errors.email_taken()
        kind = Kind.EMAIL_CHANGED if token.purpose is Purpose.CHANGE_EMAIL else Kind.EMAIL_VERIFIED
        await self._security.record(conn, SecurityEvent(token.user_id, kind, device))
        if moves:
            await self._emails.release(conn, token.user_id, account.email)
            # Whoever reads the old mailbox has no say any more.
            await self._credentials.drop_tokens(conn, token.user_id, Purpose.RESET_PASSWORD, Purpose.VERIFY_EMAIL)
            await self._notify(conn, account, "email_changed")

    async def _notify(self, conn: Connection, account: Account, template: str) -> None:
        told, expires_at = {"username": account.profile.username}, self._clock() + NOTICE_LIFETIME
        await self._mail.put(conn, Mail(account.profile.id, account.email, template, expires_at, told))


def _address(email: str) -> str:
    cleaned = names.clean_email(email)
    if fault := names.email_fault(cleaned):
        raise errors.invalid_fields([FieldViolation("/email", fault)])
    return cleaned
