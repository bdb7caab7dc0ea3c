"""Second factors: what they are, when a code counts, and what a recovery code looks like."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import IntEnum

RECOVERY_CODES = 10
MOST_PASSKEYS = 20
MAX_PASSKEY_NAME = 60

PENDING = timedelta(minutes=10)
"""For as long a new secret waits for its first code."""
CHALLENGE = timedelta(minutes=5)
"""For as long an authenticator's answer is waited for."""

_MOST_WRONG_CODES = 100  # in a row, as NIST SP 800-63B has it
_WAIT = timedelta(hours=1)

# Crockford's base 32: without letters that look like others. 80 bits, so that a fast hash keeps them.
_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
_LOOKALIKES = str.maketrans("oil", "011", "- ")
RECOVERY_BYTES = 10
_GROUP = 4


class Purpose(IntEnum):
    """What a challenge is good for."""

    REGISTRATION = 1
    PROOF = 2


@dataclass(frozen=True)
class Sealed:
    """A secret under the key that `key_id` names."""

    data: bytes = field(repr=False)
    key_id: str


@dataclass(frozen=True)
class Totp:
    """`last_step` is the newest time step whose code was taken."""

    secret: Sealed
    expires_at: datetime
    confirmed_at: datetime | None
    last_step: int
    last_used_at: datetime | None
    wrong_codes: int
    wrong_at: datetime | None


@dataclass(frozen=True)
class Passkey:
    """`id` is ours, `credential_id` the authenticator's. `public_key` is a COSE key."""

    id: int
    user_id: int
    credential_id: bytes
    public_key: bytes = field(repr=False)
    sign_count: int
    transports: Sequence[str]
    name: str
    created_at: datetime
    last_used_at: datetime | None


@dataclass(frozen=True)
class Factors:
    """What an account has beside its password."""

    totp: Totp | None
    recovery_codes_left: int
    passkeys: int

    @property
    def any(self) -> bool:
        """Recovery codes alone are none: they stand in for a factor that is lost."""
        return self.totp is not None or self.passkeys > 0

    @property
    def methods(self) -> list[str]:
        if not self.any:
            return []
        named = {"totp": self.totp, "recovery_code": self.recovery_codes_left, "passkey": self.passkeys}
        return [name for name, there in named.items() if there]


def wait_of(totp: Totp, now: datetime) -> timedelta:
    """How long no code is looked at: an hour after each wrong one, from the hundredth in a row on. Limits count long
    before that, but forget; this does not. Recovery codes and passkeys are not held up."""
    if totp.wrong_at is None or totp.wrong_codes < _MOST_WRONG_CODES:
        return timedelta()
    return max(totp.wrong_at + _WAIT - now, timedelta())


def went_on(before: int, after: int) -> bool:
    """Whether a passkey's counter did what it should (WebAuthn, section 6.1.1). Many authenticators keep it at 0."""
    return after > before or (before == 0 and after == 0)


def recovery_code(random: bytes) -> str:
    """Of RECOVERY_BYTES, as people read it: 4 groups of 4."""
    number = int.from_bytes(random)
    letters = "".join(_ALPHABET[number >> shift & 31] for shift in range(len(random) * 8 - 5, -1, -5))
    return "-".join(letters[at : at + _GROUP] for at in range(0, len(letters), _GROUP))


def hash_of_code(typed: str) -> bytes:
    """SHA-256 of a recovery code, however it was typed."""
    return hashlib.sha256(typed.lower().translate(_LOOKALIKES).encode(errors="replace")).digest()
