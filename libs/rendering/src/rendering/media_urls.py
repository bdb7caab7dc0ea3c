"""The one builder of media URLs, and the check of the signed ones.

Public files live under `/media/p/` for ever; private ones under `/media/s/` for at most an hour.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from urllib.parse import quote

_HALF_HOUR = 1800
_TAG_BYTES = 18
_KEY = re.compile(r"[A-Za-z0-9_-]{1,128}(/[A-Za-z0-9_-][A-Za-z0-9._-]{0,127}){1,3}")


class MediaUrls:
    """`now` is the wall clock in seconds. A signed URL stays the same for half an hour, so that answers that hold it
    do too, and lives 30 to 60 minutes."""

    def __init__(self, base: str, key: bytes, now: Callable[[], float]) -> None:
        self._base, self._key, self._now = base.rstrip("/"), key, now

    @property
    def half_hour(self) -> int:
        """The half hour whose signed URLs are given out now, counted from 1970."""
        return int(self._now()) // _HALF_HOUR

    def url(self, object_key: str) -> str:
        """Absolute URL of an object "public/..." or "private/..."; raises ValueError for any other."""
        area, _, path = object_key.partition("/")
        if area == "public":
            return f"{self._base}/media/p/{quote(path)}"
        if area != "private":
            raise ValueError("this object is not for delivery")
        expires = (self.half_hour + 2) * _HALF_HOUR
        return f"{self._base}/media/s/{quote(path)}?exp={expires}&sig={self._sign(path, expires)}"

    def seconds_left(self, path: str, exp: str, sig: str) -> int:
        """How long the signed path may still be read; 0 when it may not."""
        if not re.fullmatch(r"[0-9]{1,12}", exp):
            return 0
        genuine = hmac.compare_digest(self._sign(path, int(exp)).encode(), sig.encode("utf-8", "replace"))
        return max(0, int(exp) - int(self._now())) if genuine else 0

    def _sign(self, path: str, expires: int) -> str:
        tag = hmac.new(self._key, f"{expires}\n{path}".encode(), hashlib.sha256).digest()[:_TAG_BYTES]
        return base64.urlsafe_b64encode(tag).decode()


def is_media_path(path: str) -> bool:
    """Whether it can be the rest of an object's key: nothing that climbs or hides."""
    return _KEY.fullmatch(path) is not None
