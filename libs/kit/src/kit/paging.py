"""Pages: sizes, and cursors that a client can neither forge nor carry to another list."""

import base64
import binascii
import hashlib
import hmac

from kit.errors import InvalidArgument

_VERSION = b"\x01"
_TAG_BYTES = 16
_MIN_KEY_BYTES = 16


def page_size(asked: int, default: int = 20, cap: int = 100) -> int:
    """0 means the default, more than the cap the cap. Raises InvalidArgument BAD_PAGE_SIZE when negative."""
    if asked < 0:
        raise InvalidArgument("BAD_PAGE_SIZE", "the page size must not be negative")
    return min(asked or default, cap)


class Cursors:
    """Cursors signed with `key`. A scope names all that the token is valid for: route, viewer and filters."""

    def __init__(self, key: bytes) -> None:
        if len(key) < _MIN_KEY_BYTES:
            raise ValueError(f"a cursor key has at least {_MIN_KEY_BYTES} bytes")
        self._keyed = hmac.new(key, digestmod=hashlib.sha256)  # copied for each: half of the work is done

    def sign(self, scope: str, token: str) -> str:
        """The cursor, URL-safe; an empty token (no further page) stays empty."""
        if not token:
            return ""
        raw = token.encode()
        return base64.urlsafe_b64encode(_VERSION + raw + self._tag(scope, raw)).rstrip(b"=").decode()

    def open(self, scope: str, cursor: str) -> str:
        """The token of a cursor signed for this scope; an empty cursor (the first page) is an empty token.
        Raises InvalidArgument BAD_CURSOR."""
        if not cursor:
            return ""
        blob = _decode(cursor)
        token, tag = blob[1:-_TAG_BYTES], blob[-_TAG_BYTES:]
        genuine = hmac.compare_digest(tag, self._tag(scope, token))
        if not (genuine and blob[:1] == _VERSION and token):
            raise _bad_cursor()
        return token.decode()

    def _tag(self, scope: str, token: bytes) -> bytes:
        name = scope.encode()
        signed = _VERSION + len(name).to_bytes(4, "big") + name + token
        tag = self._keyed.copy()
        tag.update(signed)
        return tag.digest()[:_TAG_BYTES]


def _decode(cursor: str) -> bytes:
    """Canonical spellings only, so that one page has one cursor."""
    try:
        blob = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    except (binascii.Error, ValueError):
        raise _bad_cursor() from None
    if base64.urlsafe_b64encode(blob).rstrip(b"=").decode() != cursor:
        raise _bad_cursor()
    return blob


def _bad_cursor() -> InvalidArgument:
    return InvalidArgument("BAD_CURSOR", "the cursor is not one of this list")
