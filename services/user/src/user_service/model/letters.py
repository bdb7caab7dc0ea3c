"""Letters that hold a token, and what people ask them for."""

import base64
import binascii
import struct
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

from user_service.model import account_errors as errors
from user_service.model.security import Device

SECRET_BYTES = 32

_PREFIX = "hgm_"  # lets secret scanners know one when they see it
_LAYOUT = struct.Struct(f">qb{SECRET_BYTES}s")


class Purpose(IntEnum):
    """What the token of a letter is good for."""

    VERIFY_EMAIL = 1
    CHANGE_EMAIL = 2
    RESET_PASSWORD = 3


LIFETIMES = {
    Purpose.VERIFY_EMAIL: timedelta(days=3),
    Purpose.CHANGE_EMAIL: timedelta(days=1),
    Purpose.RESET_PASSWORD: timedelta(hours=1),
}


@dataclass(frozen=True)
class LetterToken:
    """Opaque to clients, good once."""

    user_id: int
    purpose: Purpose
    secret: bytes = field(repr=False)

    def __str__(self) -> str:
        packed = _LAYOUT.pack(self.user_id, self.purpose, self.secret)
        return _PREFIX + base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


@dataclass(frozen=True)
class LetterRequest:
    """Somebody wants a letter. `user_id` is 0 when only an address is known, which may be nobody's."""

    kind: Purpose
    email: str
    device: Device
    user_id: int = 0
    id: int = 0
    created_at: datetime | None = None


def parse_token(text: str) -> LetterToken:
    """Raises InvalidArgument BAD_TOKEN."""
    try:
        encoded = text.removeprefix(_PREFIX)
        packed = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
        user_id, purpose, secret = _LAYOUT.unpack(packed)
        token = LetterToken(user_id, Purpose(purpose), secret)
    except (binascii.Error, ValueError, struct.error):
        raise errors.bad_letter_token() from None
    if str(token) != text:
        raise errors.bad_letter_token()
    return token
