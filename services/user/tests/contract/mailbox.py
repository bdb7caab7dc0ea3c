"""What goes on behind the calls of the credentials tests: letters that are written, and the statements of a call."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta

from heliograph.user.v1 import credentials_pb2 as cpb
from heliograph.user.v1 import user_pb2 as pb
from heliograph.user.v1.credentials_pb2_grpc import CredentialServiceStub
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.postgres import Postgres
from user_service.model.mail import Mail
from user_service.store.mail import Outbound
from user_service.wiring.base import Base
from user_service.wiring.mail import correspondence_of

from .conftest import PASSWORD


async def account_of(users: UserServiceStub, made: pb.Account) -> pb.Account:
    return (await users.GetAccount(pb.GetAccountRequest(viewer_id=made.profile.id))).account


async def log_in(users: UserServiceStub, login: str, password: str = PASSWORD) -> pb.Profile:
    return (await users.CreateSession(pb.CreateSessionRequest(login=login, password=password))).profile


async def change(credentials: CredentialServiceStub, account: pb.Account, email: str, password: str = PASSWORD) -> None:
    request = cpb.ChangeEmailRequest(viewer_id=account.profile.id, password=password, email=email)
    await credentials.ChangeEmail(request)


async def verify(credentials: CredentialServiceStub, token: str) -> None:
    await credentials.VerifyEmail(cpb.VerifyEmailRequest(token=token))


class Mailbox:
    """Plays the worker and the world's mailboxes. Letters are in the order in which they were written."""

    def __init__(self, base: Base) -> None:
        self._correspondence, self._outbound = correspondence_of(base), Outbound(base.postgres)
        self._letters: list[Mail] = []

    async def letters(self, recipient: str) -> list[Mail]:
        while await self._correspondence.answer_some():
            pass
        for due in sorted(await self._outbound.take(1000, timedelta(0)), key=lambda due: due.id):
            self._letters.append(due.mail)
            await self._outbound.done(due)
        return [letter for letter in self._letters if letter.recipient == recipient]

    async def templates(self, recipient: str) -> list[str]:
        return [letter.template for letter in await self.letters(recipient)]

    async def token(self, recipient: str, template: str) -> str:
        """Of the last such letter."""
        found = [letter for letter in await self.letters(recipient) if letter.template == template]
        return found[-1].variables["token"]


async def statements(postgres: Postgres, call: Callable[[], Awaitable[object]]) -> list[str]:
    """What the call sends to a Postgres whose pool has one connection."""
    seen: list[str] = []
    async with _logging(postgres, seen):
        await call()
    return seen


@asynccontextmanager
async def _logging(postgres: Postgres, seen: list[str]) -> AsyncGenerator[None]:
    def note(record: object) -> None:
        seen.append(getattr(record, "query"))  # noqa: B009 asyncpg's type of it is not public

    async with postgres.primary.acquire() as conn:
        conn.add_query_logger(note)
    try:
        yield
    finally:
        async with postgres.primary.acquire() as conn:
            conn.remove_query_logger(note)
