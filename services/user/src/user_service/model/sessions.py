"""Sessions and their refresh tokens: when one is good, and what a bad one means.

A session is a family of refresh tokens of which only the last is good. Every token of a family carries the family's own
secret beside its single-use one, so that an old token is recognised for what it is although nothing of it is kept:
its family fits and its single-use secret does not. Whoever has neither cannot end somebody's session by guessing.
"""

import base64
import binascii
import hashlib
import hmac
import struct
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from user_service.model import errors

REUSE_GRACE = timedelta(seconds=10)
"""For as long an honest client may still come with the token that its own other request has just used."""

MAX_USER_AGENT, MAX_ADDRESS, MAX_DEVICE_NAME = 400, 64, 80
FAMILY_BYTES, SECRET_BYTES = 16, 32

_PREFIX = "hgr_"  # lets secret scanners know one when they see it
_LAYOUT = struct.Struct(f">qq{FAMILY_BYTES}s{SECRET_BYTES}s")


@dataclass(frozen=True)
class RefreshToken:
    """Opaque to clients. The ids in front say where its session is kept."""

    user_id: int
    session_id: int
    family: bytes = field(repr=False)
    secret: bytes = field(repr=False)

    def __str__(self) -> str:
        packed = _LAYOUT.pack(self.user_id, self.session_id, self.family, self.secret)
        return _PREFIX + base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


@dataclass(frozen=True)
class Rotated:
    """A token that was good until `at`."""

    token_hash: bytes
    at: datetime


@dataclass(frozen=True)
class Session:
    """`rotated` are the tokens rotated within REUSE_GRACE before the last rotation. Hashes are SHA-256. `app_id` is 0
    for a client of our own; `scopes` are what its tokens may have."""

    id: int
    user_id: int
    user_agent: str
    address: str
    family_hash: bytes = field(repr=False)
    token_hash: bytes = field(repr=False)
    rotated: tuple[Rotated, ...]
    created_at: datetime
    last_used_at: datetime
    expires_at: datetime
    revoked_at: datetime | None
    device_name: str = ""
    app_id: int = 0
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Revocation:
    """After `expires_at` no access token of the session can be good anyway."""

    revision: int
    session_id: int
    expires_at: datetime


class Verdict(Enum):
    """On a presented refresh token."""

    GOOD = auto()
    IN_PROGRESS = auto()
    REUSED = auto()
    REVOKED = auto()
    UNKNOWN = auto()


def hash_of(secret: bytes) -> bytes:
    """Plain SHA-256 will do: the secrets are random, there is nothing to guess."""
    return hashlib.sha256(secret).digest()


def parse_token(text: str) -> RefreshToken:
    """Raises Unauthenticated BAD_REFRESH_TOKEN."""
    try:
        packed = base64.b64decode(text.removeprefix(_PREFIX) + "==", altchars=b"-_", validate=True)
        token = RefreshToken(*_LAYOUT.unpack(packed))
    except (binascii.Error, ValueError, struct.error):
        raise errors.bad_refresh_token() from None
    if str(token) != text:
        raise errors.bad_refresh_token()
    return token


def judge(session: Session, token: RefreshToken, now: datetime) -> Verdict:
    if not hmac.compare_digest(session.family_hash, hash_of(token.family)):
        return Verdict.UNKNOWN
    if session.revoked_at is not None:
        return Verdict.REVOKED
    if session.expires_at <= now:
        return Verdict.UNKNOWN
    presented = hash_of(token.secret)
    if hmac.compare_digest(session.token_hash, presented):
        return Verdict.GOOD
    just_rotated = (old.token_hash for old in session.rotated if now - old.at <= REUSE_GRACE)
    recent = any(hmac.compare_digest(presented, old) for old in just_rotated)
    return Verdict.IN_PROGRESS if recent else Verdict.REUSED


def rotated(session: Session, secret: bytes, *, address: str, now: datetime, lifetime: timedelta) -> Session:
    """The session after its good token was traded for one with `secret`."""
    recent = tuple(old for old in session.rotated if now - old.at <= REUSE_GRACE)
    return replace(
        session,
        address=address[:MAX_ADDRESS] or session.address,
        token_hash=hash_of(secret),
        rotated=(*recent, Rotated(session.token_hash, now)),
        last_used_at=now,
        expires_at=now + lifetime,
    )
