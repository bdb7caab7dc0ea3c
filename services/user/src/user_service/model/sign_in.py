"""Log-ins that wait for a second factor, and the tickets to go on with them."""

import base64
import binascii
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from user_service.model import errors
from user_service.model.sessions import SECRET_BYTES

CHALLENGE_LIFETIME = timedelta(minutes=5)
MAX_ATTEMPTS = 5
"""Of one ticket."""

WEBAUTHN_BYTES = 32
NOBODY = 0
"""Whose log-in it is before a passkey tells."""

_PREFIX = "hgt_"
_LAYOUT = struct.Struct(f">qq{SECRET_BYTES}s")


@dataclass(frozen=True)
class Proof:
    """Of a second factor: exactly one of them is not empty. `assertion` is the JSON of a passkey's answer."""

    code: str = field(default="", repr=False)
    recovery_code: str = field(default="", repr=False)
    assertion: str = field(default="", repr=False)


@dataclass(frozen=True)
class Challenge:
    """A second factor is due: the ticket says that the password was right, and is good for `finish` alone.

    `methods` are of "totp", "recovery_code", "passkey"; `passkey_options` are a PublicKeyCredentialRequestOptions in
    JSON (WebAuthn, section 5.5), empty without passkeys.
    """

    ticket: str = field(repr=False)
    methods: Sequence[str]
    passkey_options: str
    expires_at: datetime


@dataclass(frozen=True)
class Ticket:
    """Opaque to clients. The ids in front say where its challenge is kept."""

    user_id: int
    challenge_id: int
    secret: bytes = field(repr=False)

    def __str__(self) -> str:
        packed = _LAYOUT.pack(self.user_id, self.challenge_id, self.secret)
        return _PREFIX + base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


@dataclass(frozen=True)
class Pending:
    """A log-in whose first step was right. `epoch` is the account's at that time, `webauthn` what a passkey signs."""

    id: int
    user_id: int
    secret_hash: bytes = field(repr=False)
    webauthn: bytes = field(repr=False)
    epoch: int
    attempts: int
    expires_at: datetime


def parse_ticket(text: str) -> Ticket:
    """Raises Unauthenticated BAD_TICKET."""
    try:
        packed = base64.b64decode(text.removeprefix(_PREFIX) + "==", altchars=b"-_", validate=True)
        ticket = Ticket(*_LAYOUT.unpack(packed))
    except (binascii.Error, ValueError, struct.error):
        raise errors.bad_ticket() from None
    if str(ticket) != text:
        raise errors.bad_ticket()
    return ticket
