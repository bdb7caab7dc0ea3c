"""Use cases of passwords: change one, forget it."""

from collections.abc import Callable
from datetime import datetime

from kit.errors import FieldViolation
from kit.postgres import Connection, Postgres

from user_service.model import account_errors, errors, names
from user_service.model.accounts import Account
from user_service.model.letters import LetterRequest, LetterToken, Purpose, parse_token
from user_service.model.limits import Action
from user_service.model.mail import Mail
from user_service.model.security import Device, Kind, SecurityEvent
from user_service.model.sessions import hash_of
from user_service.service.addresses import NOTICE_LIFETIME
from user_service.service.correspondence import is_out_of_reach
from user_service.service.known_devices import KnownDevices
from user_service.service.limits import Limits
from user_service.service.password_rules import PasswordRules
from user_service.service.passwords import Passwords
from user_service.service.sign_in import SecondFactors, SignIn
from user_service.service.tokens import AccessTokens
from user_service.store.accounts import AccountStore
from user_service.store.credentials import CredentialStore
from user_service.store.emails import EmailStore
from user_service.store.letter_requests import LetterRequests
from user_service.store.mail import MailQueue
from user_service.store.security_log import SecurityLog
from user_service.store.sessions import SessionStore


class Credentials:
    def __init__(
        self,
        postgres: Postgres,
        accounts: AccountStore,
        emails: EmailStore,
        credentials: CredentialStore,
        sessions: SessionStore,
        requests: LetterRequests,
        mail: MailQueue,
        security: SecurityLog,
        passwords: Passwords,
        rules: PasswordRules,
        sign_in: SignIn,
        tokens: AccessTokens,
        limits: Limits,
        devices: KnownDevices,
        factors: SecondFactors,
        clock: Callable[[], datetime],
    ) -> None:
        self._postgres, self._accounts, self._emails = postgres, accounts, emails
        self._credentials, self._sessions, self._requests = credentials, sessions, requests
        self._mail, self._security, self._limits, self._clock = mail, security, limits, clock
        self._passwords, self._rules, self._sign_in, self._tokens = passwords, rules, sign_in, tokens
        self._devices, self._factors = devices, factors

    async def change(self, user_id: int, session_id: int, current: str, new: str, device: Device) -> None:
        """Ends all other sessions. Raises Unauthenticated BAD_CREDENTIALS, InvalidArgument INVALID_FIELD, NotFound
        USER_NOT_FOUND."""
        # Read before the password is looked at: whatever is changed from then on shows by the epoch.
        account = await self._accounts.get(user_id)
        await self._sign_in.confirm(user_id, current, device)
        if account is None:
            raise errors.user_not_found()
        password_hash = await self._hash(new, account, field="/new_password")
        async with self._postgres.primary.transaction() as conn:
            locked = await self._accounts.lock(conn, user_id)
            if locked is None:
                raise errors.user_not_found()
            if locked.epoch != account.epoch:
                # The password that was right then may have been replaced since.
                raise errors.bad_credentials()
            await self._replace(conn, locked, password_hash, Kind.PASSWORD_CHANGED, "password_changed", device)
            await self._end_sessions(conn, user_id, keep=session_id)

    async def forget(self, email: str, device: Device) -> None:
        """Asks for a letter with a link. Does and answers the same for every address. Raises InvalidArgument
        INVALID_FIELD for what is none, ResourceExhausted TOO_MANY_ATTEMPTS."""
        cleaned = names.clean_email(email)
        if fault := names.email_fault(cleaned):
            raise errors.invalid_fields([FieldViolation("/email", fault)])
        known = await self._knows(names.email_key(cleaned), device)
        await self._limits.count(Action.FORGOT, names.email_key(cleaned), device, known=known)
        await self._requests.ask(LetterRequest(Purpose.RESET_PASSWORD, cleaned, device))

    async def _knows(self, email_key: str, device: Device) -> bool:
        """Whether the account whose address it is, and who gets the letter, was logged in to from the device. As many
        queries for every address."""
        if not device.token:
            return False
        owner, _ = await self._accounts.ids_of_email(email_key)
        return await self._devices.knows(owner, device.token)

    async def reset(self, text: str, new: str, device: Device) -> None:
        """Sets a new password by the token of a letter and ends all sessions. Logs nobody in, and leaves second
        factors as they are. Raises InvalidArgument BAD_TOKEN or INVALID_FIELD, ResourceExhausted TOO_MANY_ATTEMPTS."""
        await self._limits.count(Action.RESET, "", device)
        token = _reset_token(text)
        secret_hash = hash_of(token.secret)
        account = await self._accounts.get(token.user_id)
        # First of all, for a password costs more to look at than a token.
        good = await self._credentials.is_good(token.user_id, token.purpose, secret_hash, self._clock())
        if account is None or not good:
            raise account_errors.bad_letter_token()
        password_hash = await self._hash(new, account, field="/password")
        async with self._postgres.primary.transaction() as conn:
            locked = await self._accounts.lock(conn, token.user_id)
            email = await self._credentials.take_token(conn, token.user_id, token.purpose, secret_hash, self._clock())
            if locked is None or email is None or await is_out_of_reach(locked, self._factors):
                raise account_errors.bad_letter_token()
            if not locked.email_verified:
                await self._emails.prove(conn, token.user_id, email)  # the letter was read
            await self._replace(conn, locked, password_hash, Kind.PASSWORD_RESET, "password_was_reset", device)
            await self._end_sessions(conn, token.user_id)

    async def _hash(self, password: str, account: Account, *, field: str) -> str:
        folded = names.fold_password(password)
        context = (account.profile.username, account.email, account.profile.name)
        await self._rules.insist(folded, context, field=field)
        return await self._passwords.hash(folded)

    async def _replace(
        self, conn: Connection, account: Account, password_hash: str, kind: Kind, template: str, device: Device
    ) -> None:
        user_id, told = account.profile.id, {"username": account.profile.username}
        await self._credentials.set_password(conn, user_id, password_hash)
        await self._credentials.drop_tokens(conn, user_id, Purpose.RESET_PASSWORD, Purpose.CHANGE_EMAIL)
        await self._security.record(conn, SecurityEvent(user_id, kind, device))
        await self._mail.put(conn, Mail(user_id, account.email, template, self._clock() + NOTICE_LIFETIME, told))

    async def _end_sessions(self, conn: Connection, user_id: int, *, keep: int = 0) -> None:
        """The last statement of the transaction."""
        now = self._clock()
        await self._sessions.revoke_all(conn, user_id, now=now, until=self._tokens.over_by(now), keep=keep)


def _reset_token(text: str) -> LetterToken:
    token = parse_token(text)
    if token.purpose is not Purpose.RESET_PASSWORD:
        raise account_errors.bad_letter_token()
    return token
