"""The SMTP relay that takes our letters, and the other services, asked for what they keep about an account."""

import ssl
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from email import policy
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import localtime, parseaddr
from pathlib import Path
from types import MappingProxyType
from typing import Literal

import aiosmtplib
from heliograph.privacy.v1 import privacy_pb2 as pb
from heliograph.privacy.v1.privacy_pb2_grpc import PersonalDataServiceStub
from kit.client import channel
from kit.personal import Piece

from user_service.model import names
from user_service.model.mail import Letter, Refused, Send, Undelivered

Security = Literal["none", "starttls", "tls"]
_KEEPER_SECONDS = 60.0


@dataclass(frozen=True)
class RelayAddress:
    """`security`: "starttls" begins in the clear and insists on TLS, "tls" is TLS from the first byte. `ca_file` holds
    the authorities to trust instead of the system's. Without a username nobody logs in."""

    host: str
    port: int
    security: Security
    username: str = ""
    password: str = field(default="", repr=False)
    ca_file: Path | None = None
    timeout: float = 20.0


class SmtpRelay:
    """`sender` is what stands in From, such as "Heliograph <noreply@example.org>"."""

    def __init__(self, address: RelayAddress, sender: str) -> None:
        self._address, self._sender = address, sender
        self._context = ssl.create_default_context(cafile=address.ca_file) if address.security != "none" else None

    @asynccontextmanager
    async def connected(self) -> AsyncGenerator[Send]:
        told = self._address
        client = aiosmtplib.SMTP(
            hostname=told.host,
            port=told.port,
            username=told.username or None,
            password=told.password or None,
            use_tls=told.security == "tls",
            start_tls=told.security == "starttls",
            tls_context=self._context,
            timeout=told.timeout,
        )
        try:
            await client.connect()
        except (aiosmtplib.SMTPException, OSError) as error:
            raise Undelivered(f"{told.host}:{told.port}: {error}") from error
        try:
            yield self._sending(client)
        finally:
            client.close()

    def _sending(self, client: aiosmtplib.SMTP) -> Send:
        async def send(letter: Letter) -> None:
            try:
                message = compose(letter, self._sender)
            except ValueError as error:
                raise Refused(str(error)) from error
            try:
                await client.send_message(message, sender=parseaddr(self._sender)[1], recipients=[letter.recipient])
            except aiosmtplib.SMTPRecipientsRefused as error:
                _raise([refused.code for refused in error.recipients], error)
            except aiosmtplib.SMTPDataError as error:
                _raise([error.code], error)
            except (aiosmtplib.SMTPException, OSError) as error:
                raise Undelivered(str(error)) from error

        return send


def compose(letter: Letter, sender: str) -> EmailMessage:
    """Plain text with HTML beside it. Nothing in a header can begin another one. Raises ValueError for what would."""
    if names.email_fault(letter.recipient):
        raise ValueError("the recipient is no e-mail address")
    message = EmailMessage(policy=policy.SMTP)
    message["From"] = sender
    message["To"] = Address(addr_spec=letter.recipient)
    message["Subject"] = letter.subject
    message["Date"] = localtime()
    # The same for every attempt, so that mailboxes may drop a second copy.
    message["Message-ID"] = f"<{letter.id}.letter@{parseaddr(sender)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    return message


def _raise(codes: Sequence[int], error: Exception) -> None:
    if all(500 <= code < 600 for code in codes):
        raise Refused(str(error)) from error
    raise Undelivered(str(error)) from error


class PersonalDataPeer:
    def __init__(self, stub: PersonalDataServiceStub) -> None:
        self._stub = stub

    async def export(self, user_id: int, token: str) -> tuple[list[Piece], str]:
        answer = await self._stub.Export(pb.ExportRequest(user_id=user_id, page_token=token))
        return [Piece(file.path, file.content, file.object_key) for file in answer.files], answer.next_page_token

    async def erase(self, user_id: int) -> tuple[bool, int]:
        answer = await self._stub.Erase(pb.EraseRequest(user_id=user_id))
        return answer.done, answer.removed


async def open_peers(
    stack: AsyncExitStack, targets: Mapping[str, str], tls: Path | None
) -> Mapping[str, PersonalDataPeer]:
    """By the names of the services, in their order. None of them need be up."""
    peers: dict[str, PersonalDataPeer] = {}
    for name, target in targets.items():
        opened = await stack.enter_async_context(
            channel(target, service=name, caller="user-worker", seconds=_KEEPER_SECONDS, tls=tls)
        )
        peers[name] = PersonalDataPeer(PersonalDataServiceStub(opened))
    return MappingProxyType(peers)
