"""Other people's apps: what may be registered, and where an app may have people sent."""

import hmac
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import IntEnum
from urllib.parse import SplitResult, urlsplit

from kit.errors import FieldViolation

from user_service.model import errors, names
from user_service.model.scopes import APP_SCOPES
from user_service.model.sessions import hash_of

APP_READS = "read"
"""The most that an app gets for itself, with nobody behind it."""

MAX_APPS = 50
MAX_REDIRECT_URIS, MAX_REDIRECT_URI = 10, 500
_LOOPBACK = ("127.0.0.1", "[::1]")
# RFC 3986 without what only serves to mislead: no user part, no backslash, no quotes.
_URI = re.compile(r"[A-Za-z0-9._~:/?\[\]!$&'()+,;=%-]+")
_PRIVATE_SCHEME = re.compile(r"[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+")
_SECRET_PREFIX = "hgs_"  # noqa: S105 lets secret scanners know one when they see it
_CLIENT_ID = re.compile(r"app-([1-9][0-9]{0,17})")


class ClientType(IntEnum):
    """PUBLIC apps cannot keep a secret."""

    PUBLIC = 1
    CONFIDENTIAL = 2


@dataclass(frozen=True)
class App:
    """`secret_id` and `secret_hash` are there in confidential apps alone."""

    id: int
    owner_id: int
    name: str
    website: str
    client_type: ClientType
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]
    created_at: datetime
    secret_id: int | None = None
    secret_hash: bytes | None = field(default=None, repr=False)

    @property
    def client_id(self) -> str:
        return f"app-{self.id}"

    @property
    def confidential(self) -> bool:
        return self.client_type is ClientType.CONFIDENTIAL

    def has_secret(self, secret: str) -> bool:
        return self.secret_hash is not None and hmac.compare_digest(self.secret_hash, hash_of(secret.encode()))

    def may_send_to(self, uri: str) -> bool:
        """Exactly one of its redirect URIs; of one on the loopback interface any port (RFC 8252, section 7.3)."""
        return uri in self.redirect_uris or any(_same_but_port(known, uri) for known in self.redirect_uris)


@dataclass(frozen=True)
class AppWish:
    """Checked."""

    name: str
    website: str
    client_type: ClientType
    redirect_uris: tuple[str, ...]
    scopes: tuple[str, ...]

    @property
    def confidential(self) -> bool:
        return self.client_type is ClientType.CONFIDENTIAL


def app_id_of(client_id: str) -> int:
    """0 when it is no app's."""
    found = _CLIENT_ID.fullmatch(client_id)
    return int(found[1]) if found else 0


def new_secret() -> str:
    return _SECRET_PREFIX + secrets.token_urlsafe(32)


def wished(name: str, website: str, client_type: int, redirect_uris: Sequence[str], scopes: Sequence[str]) -> AppWish:
    """Raises InvalidArgument INVALID_FIELD with every fault at once. Scopes come out in their usual order, once."""
    name, website = names.clean_text(name), names.clean_text(website)
    faults = [
        *_faults({"name": _name_fault(name), "website": names.text_fault("website", website)}),
        *([] if client_type in set(ClientType) else [FieldViolation("/client_type", "must be public or confidential")]),
        *_uri_faults(redirect_uris),
        *_faults({f"scopes/{at}": _scope_fault(scope) for at, scope in enumerate(scopes)}),
        *([] if scopes else [FieldViolation("/scopes", "must not be empty")]),
    ]
    if faults:
        raise errors.invalid_fields(faults)
    ordered = tuple(scope for scope in APP_SCOPES if scope in scopes)
    return AppWish(name, website, ClientType(client_type), tuple(dict.fromkeys(redirect_uris)), ordered)


def changed(app: App, values: Mapping[str, object]) -> App:
    """The app with these of name, website, redirect_uris and scopes. Raises as `wished`."""
    after = replace(app, **values)  # type: ignore[arg-type]
    wish = wished(after.name, after.website, after.client_type, after.redirect_uris, after.scopes)
    return replace(after, name=wish.name, website=wish.website, redirect_uris=wish.redirect_uris, scopes=wish.scopes)


def redirect_uri_fault(uri: str) -> str | None:
    if len(uri) > MAX_REDIRECT_URI:
        return f"must have at most {MAX_REDIRECT_URI} characters"
    if not _URI.fullmatch(uri):
        return "must be a whole URI in ASCII, without fragment, user part and wildcard"
    parts = _split(uri)
    if parts is None:
        return "is not a URI"
    if parts.scheme == "https":
        return None if parts.hostname else "must have a host"
    if parts.scheme == "http":
        fits = _host(parts) in _LOOPBACK
        return None if fits else "must be https, or http on the loopback interface: 127.0.0.1 or [::1]"
    fits = _PRIVATE_SCHEME.fullmatch(parts.scheme) and uri.startswith(f"{parts.scheme}:/")
    return None if fits else "must be https, http on the loopback interface, or of a scheme like com.example.app:/"


def _faults(found: Mapping[str, str | None]) -> list[FieldViolation]:
    return [FieldViolation(f"/{name}", fault) for name, fault in found.items() if fault]


def _name_fault(name: str) -> str | None:
    return names.text_fault("name", name) if name else "must not be empty"


def _scope_fault(scope: str) -> str | None:
    return None if scope in APP_SCOPES else "must be one of " + ", ".join(APP_SCOPES)


def _uri_faults(uris: Sequence[str]) -> list[FieldViolation]:
    if not 1 <= len(uris) <= MAX_REDIRECT_URIS:
        return [FieldViolation("/redirect_uris", f"must be 1 to {MAX_REDIRECT_URIS}")]
    return _faults({f"redirect_uris/{at}": redirect_uri_fault(uri) for at, uri in enumerate(uris)})


def _same_but_port(known: str, asked: str) -> bool:
    if not (known.startswith("http:") and redirect_uri_fault(asked) is None):
        return False
    one, other = _split(known), _split(asked)
    return one is not None and other is not None and _portless(one) == _portless(other)


def _portless(parts: SplitResult) -> tuple[str, ...]:
    return parts.scheme, _host(parts), parts.path, parts.query


def _host(parts: SplitResult) -> str:
    """In brackets where it is an IPv6 address; empty when something stands in the port's place that is none."""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    rest = parts.netloc[len(host) :]
    return host if parts.netloc.startswith(host) and re.fullmatch(r"(:[0-9]{1,5})?", rest) else ""


def _split(uri: str) -> SplitResult | None:
    try:
        parts = urlsplit(uri)
        return parts if parts.port != -1 else None  # the port is read only now
    except ValueError:
        return None
