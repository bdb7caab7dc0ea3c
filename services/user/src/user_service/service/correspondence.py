"""Answers requests for letters, apart from the call that made them: only here it turns out whether an address is
anybody's, and nobody can tell by an answer or its time."""

import asyncio
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from kit import log
from kit.errors import ResourceExhausted
from kit.outage import outlast
from kit.postgres import Connection, Postgres
from kit.tasks import together
from prometheus_client import Counter

from user_service.model import names
from user_service.model.accounts import Account
from user_service.model.letters import LIFETIMES, SECRET_BYTES, LetterRequest, LetterToken, Purpose
from user_service.model.limits import Action
from user_service.model.mail import Mail
from user_service.model.security import Device, Kind, SecurityEvent
from user_service.model.sessions import hash_of
from user_service.service.letters import span
from user_service.service.limits import Limits
from user_service.service.sign_in import SecondFactors
from user_service.store.accounts import AccountStore
from user_service.store.credentials import CredentialStore
from user_service.store.emails import EmailStore, Holder
from user_service.store.letter_requests import LetterRequests
from user_service.store.mail import MailQueue
from user_service.store.security_log import SecurityLog

DROPPED = Counter("heliograph_user_letter_requests_dropped_total", "Requests for letters that could not be answered")

_POLL_SECONDS = 0.25
_SWEEP_SECONDS = 300.0
_LONGEST_WAIT = timedelta(hours=1)
_BATCH = 10
_TEMPLATES = {
    Purpose.VERIFY_EMAIL: "verify_email",
    Purpose.CHANGE_EMAIL: "change_email",
    Purpose.RESET_PASSWORD: "password_reset",
}

logger = log.get(__name__)


class Correspondence:
    def __init__(
        self,
        postgres: Postgres,
        requests: LetterRequests,
        accounts: AccountStore,
        emails: EmailStore,
        credentials: CredentialStore,
        mail: MailQueue,
        security: SecurityLog,
        limits: Limits,
        factors: SecondFactors,
        clock: Callable[[], datetime],
    ) -> None:
        self._postgres, self._requests, self._accounts, self._emails = postgres, requests, accounts, emails
        self._credentials, self._mail, self._security = credentials, mail, security
        self._limits, self._factors, self._clock = limits, factors, clock

    async def run(self) -> None:
        """A task."""
        await together(self._answer_all(), self._sweep())

    async def answer_some(self) -> int:
        """Those that wait, up to a batch; answers how many that were."""
        taken = await self._requests.take(_BATCH)
        for request in taken:
            await self._answer(request)
        return len(taken)

    async def _answer_all(self) -> None:
        while True:
            if not await outlast(self.answer_some, what="letter requests"):
                await asyncio.sleep(_POLL_SECONDS)

    async def _sweep(self) -> None:
        while True:
            await outlast(lambda: self._credentials.sweep(self._clock()), what="letter tokens")
            if dropped := await outlast(lambda: self._requests.sweep(_LONGEST_WAIT), what="letter requests"):
                DROPPED.inc(dropped)
                logger.error("requests for letters were dropped", count=dropped)
            await asyncio.sleep(_SWEEP_SECONDS)

    async def _answer(self, request: LetterRequest) -> None:
        if not await self._may_write(request):
            return
        holder = await self._emails.holder(request.email)
        async with self._postgres.primary.transaction() as conn:
            if not await self._requests.done(conn, request):
                return
            for user_id in _asked_by(request, holder):
                account = await self._accounts.lock(conn, user_id)
                if account is not None:
                    await self._write(conn, request, account, holder)

    async def _may_write(self, request: LetterRequest) -> bool:
        """Other requests were counted when they were made. A registration is never refused for its address, but nobody
        is to be flooded with letters by it."""
        if request.kind is not Purpose.VERIFY_EMAIL or not request.user_id:
            return True
        try:
            await self._limits.count(Action.RESEND, names.email_key(request.email), Device())
        except ResourceExhausted:
            logger.warning("too many letters to one address", user_id=request.user_id)
            async with self._postgres.primary.transaction() as conn:
                await self._requests.done(conn, request)
            return False
        return True

    async def _write(self, conn: Connection, request: LetterRequest, account: Account, holder: Holder) -> None:
        if not _is_due(request, account) or await self._is_void(conn, request):
            return
        if request.kind is Purpose.RESET_PASSWORD and await is_out_of_reach(account, self._factors):
            return
        is_anothers = holder.verified and holder.user_id != account.profile.id
        if not is_anothers:
            await self._send_token(conn, request, account)
        elif request.user_id:
            # Nobody who is not logged in can have this letter sent again and again.
            await self._tell_owner(conn, account, holder)

    async def _is_void(self, conn: Connection, request: LetterRequest) -> bool:
        """A new password ends every change of address that was asked for with the old one, a waiting one too."""
        if request.kind is not Purpose.CHANGE_EMAIL or request.created_at is None:
            return False
        return await self._credentials.changed_since(conn, request.user_id, request.created_at)

    async def _send_token(self, conn: Connection, request: LetterRequest, account: Account) -> None:
        token = LetterToken(account.profile.id, request.kind, secrets.token_bytes(SECRET_BYTES))
        lifetime = LIFETIMES[request.kind]
        expires_at = self._clock() + lifetime
        to = request.email if request.kind is Purpose.CHANGE_EMAIL else account.email
        await self._credentials.put_token(conn, token.user_id, token.purpose, hash_of(token.secret), to, expires_at)
        told = {"username": account.profile.username, "token": str(token), "valid": span(lifetime / timedelta(days=1))}
        await self._mail.put(conn, Mail(token.user_id, to, _TEMPLATES[request.kind], expires_at, told))
        if request.kind is Purpose.RESET_PASSWORD:
            event = SecurityEvent(token.user_id, Kind.PASSWORD_RESET_REQUESTED, request.device)
            await self._security.record(conn, event)

    async def _tell_owner(self, conn: Connection, account: Account, holder: Holder) -> None:
        owner = await self._accounts.get(holder.user_id)
        if owner is None:
            return
        told = {"username": owner.profile.username, "other": account.profile.username}
        expires_at = self._clock() + LIFETIMES[Purpose.VERIFY_EMAIL]
        await self._mail.put(conn, Mail(owner.profile.id, owner.email, "address_in_use", expires_at, told))


async def is_out_of_reach(account: Account, factors: SecondFactors) -> bool:
    """Whether letters must not open the account: it has factors, and nobody has shown that the address is its owner's.
    Whoever reads the letters would take over an account that another goes on coming into, by a passkey of theirs."""
    return not account.email_verified and bool(await factors.methods(account.profile.id))


def _asked_by(request: LetterRequest, holder: Holder) -> list[int]:
    """The accounts that the request may be of, in the order in which their rows are locked."""
    if request.user_id:
        return [request.user_id]
    named = {holder.user_id} if request.kind is Purpose.RESET_PASSWORD else {holder.user_id, holder.unclaimed_by}
    return sorted(named - {0})


def _is_due(request: LetterRequest, account: Account) -> bool:
    same = names.email_key(account.email) == names.email_key(request.email)
    match request.kind:
        case Purpose.VERIFY_EMAIL:
            return same and not account.email_verified
        case Purpose.CHANGE_EMAIL:
            return account.email != request.email or not account.email_verified
        case Purpose.RESET_PASSWORD:
            return same
