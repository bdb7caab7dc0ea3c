"""Codes of an authenticator app (RFC 6238): SHA-1, six digits, 30 seconds, which is what all of them speak."""

import base64
import hmac
from datetime import datetime

from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.hotp import HOTP
from cryptography.hazmat.primitives.twofactor.totp import TOTP

SECRET_BYTES = 20
ISSUER = "Heliograph"

_DIGITS, _STEP_SECONDS = 6, 30
_WINDOW = (-1, 0, 1)  # the code before and the one after: clocks differ, and people type slowly


def step_of(now: datetime) -> int:
    return int(now.timestamp()) // _STEP_SECONDS


def code_at(secret: bytes, step: int) -> str:
    return HOTP(secret, _DIGITS, SHA1()).generate(step).decode()  # noqa: S303 as the RFC and every app has it


def matching_step(secret: bytes, typed: str, now: datetime, *, after: int) -> int | None:
    """The step whose code this is, if it is later than `after`: a code is good once, and with it all older ones.
    Compares all of them, whichever fits."""
    code = "".join(typed.split()).encode(errors="replace")
    steps = [step_of(now) + shift for shift in _WINDOW]
    fitting = [step for step in steps if hmac.compare_digest(code_at(secret, step).encode(), code)]
    return next((step for step in fitting if step > after), None)


def text_of(secret: bytes) -> str:
    """In base 32, for those who type it."""
    return base64.b32encode(secret).decode()


def uri_of(secret: bytes, account: str) -> str:
    """For a QR code (otpauth://)."""
    return TOTP(secret, _DIGITS, SHA1(), _STEP_SECONDS).get_provisioning_uri(account, ISSUER)  # noqa: S303 as the RFC and every app has it
