"""Authorization codes and the browsers in which they are allowed."""

import base64
import binascii
import hmac
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from user_service.model.apps import App
from user_service.model.sessions import SECRET_BYTES, hash_of

CODE_LIFETIME = timedelta(seconds=60)
CODES_REMEMBERED = timedelta(days=1)
"""For as long a code that comes again is known for what it is."""

BROWSER_LIFETIME = timedelta(hours=12)

CODE_PREFIX, BROWSER_PREFIX = "hgc_", "hgb_"  # let secret scanners know one when they see it
_LAYOUT = struct.Struct(f">qq{SECRET_BYTES}s")

Parameters = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Handle:
    """A secret and the ids under which its hash is kept. Opaque to whoever holds it."""

    user_id: int
    id: int
    secret: bytes = field(repr=False)

    def text(self, prefix: str) -> str:
        packed = _LAYOUT.pack(self.user_id, self.id, self.secret)
        return prefix + base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


@dataclass(frozen=True)
class Code:
    """`challenge` is one of S256 (RFC 7636): no other kind is taken. `session_id` is what the code gave, 0 nothing."""

    id: int
    user_id: int
    secret_hash: bytes = field(repr=False)
    app_id: int
    login_id: int
    redirect_uri: str
    scopes: tuple[str, ...]
    challenge: str
    expires_at: datetime
    used_at: datetime | None = None
    session_id: int = 0

    def is_good(self, now: datetime) -> bool:
        return self.used_at is None and now < self.expires_at


@dataclass(frozen=True)
class Browser:
    """Somebody who is logged in on our own pages: account, and the session that stands for it."""

    user_id: int
    session_id: int
    username: str


@dataclass(frozen=True)
class Asked:
    """What an app asks of somebody. `error_uri` is not empty when it asks for what cannot be: there the app is told,
    once somebody is logged in. Then there are no scopes."""

    app: App
    redirect_uri: str
    scopes: tuple[str, ...] = ()
    challenge: str = ""
    state: str = ""
    error_uri: str = ""


@dataclass(frozen=True)
class AuthorizedApp:
    id: int
    name: str
    website: str
    scopes: tuple[str, ...]
    authorized_at: datetime
    last_used_at: datetime


@dataclass(frozen=True)
class Answer:
    """Of a protocol endpoint, in the words of its RFC: HTTP status, JSON object, headers."""

    status: int
    body: Mapping[str, object] = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def sent_back(redirect_uri: str, parameters: Parameters) -> str:
    """The URI as it was registered, byte for byte, and after it these parameters."""
    return redirect_uri + ("&" if "?" in redirect_uri else "?") + urlencode(parameters, quote_via=quote)


def parse_handle(text: str, prefix: str) -> Handle | None:
    """None for whatever never was one. There is one spelling of each."""
    try:
        packed = base64.b64decode(text.removeprefix(prefix) + "==", altchars=b"-_", validate=True)
        handle = Handle(*_LAYOUT.unpack(packed))
    except (binascii.Error, ValueError, struct.error):
        return None
    return handle if hmac.compare_digest(handle.text(prefix).encode(), text.encode()) else None


def opens(handle: Handle, secret_hash: bytes) -> bool:
    return hmac.compare_digest(hash_of(handle.secret), secret_hash)
