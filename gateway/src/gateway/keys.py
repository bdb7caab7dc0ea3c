"""The user service's public keys, fetched when needed and when a token names one that is not known yet."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from joserfc.errors import JoseError
from joserfc.jwk import OKPKey
from kit import deadline, log
from kit.errors import DeadlineExceeded, Unavailable

_FRESH_SECONDS = 300.0
_PAUSE_SECONDS = 2.0
_FIRST_PAUSE_SECONDS = 0.5
_FETCH_SECONDS = 3.0

logger = log.get(__name__)


class _Document(msgspec.Struct):
    keys: list[dict[str, Any]]


class Keys:
    """`fetch` answers a JWK set (RFC 7517) as JSON. A strange key id costs at most one fetch every two seconds."""

    def __init__(self, fetch: Callable[[], Awaitable[str]], clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch, self._clock = fetch, clock
        self._keys: dict[str, OKPKey] = {}
        self._json = ""
        self._tried_at = self._fetched_at = float("-inf")
        self._fetching = asyncio.Lock()

    async def key(self, kid: str) -> OKPKey | None:
        """Raises Unavailable when no key was ever fetched and none can be."""
        stale = self._clock() - self._fetched_at > _FRESH_SECONDS
        if kid not in self._keys or stale:
            await self._refresh(needed=kid not in self._keys)
        return self._keys.get(kid)

    async def json(self) -> str:
        """The set as the user service published it last."""
        if self._clock() - self._fetched_at > _FRESH_SECONDS:
            await self._refresh(needed=not self._json)
        return self._json

    async def check(self) -> None:
        """Raises Unavailable until keys were fetched once."""
        if not self._json:
            await self._refresh(needed=True)

    async def _refresh(self, *, needed: bool) -> None:
        async with self._fetching:
            pause = _PAUSE_SECONDS if self._json else _FIRST_PAUSE_SECONDS
            if self._clock() - self._tried_at >= pause:
                try:
                    await self._replace()
                finally:  # from its end on: else those who waited for a fetch that hung would each make another one
                    self._tried_at = self._clock()
        if needed and not self._json:
            raise Unavailable("USER_UNAVAILABLE", "access tokens cannot be checked at the moment", retry_after=1)

    async def _replace(self) -> None:
        """Keeps the old keys while the user service cannot be asked."""
        try:
            with deadline.within(_FETCH_SECONDS):
                text = await self._fetch()
        except (Unavailable, DeadlineExceeded) as error:
            logger.warning("keys cannot be fetched", reason=error.reason)
            return
        self._keys, self._json, self._fetched_at = _parse(text), text, self._clock()


def _parse(text: str) -> dict[str, OKPKey]:
    """Ed25519 keys that have a kid; others are of no use here."""
    document = msgspec.json.decode(text, type=_Document)
    found: dict[str, OKPKey] = {}
    for entry in document.keys:
        if entry.get("kty") == "OKP" and entry.get("crv") == "Ed25519" and "kid" in entry:
            try:
                found[entry["kid"]] = OKPKey.import_key({name: entry[name] for name in ("kty", "crv", "x")})
            except (JoseError, KeyError, ValueError):
                continue
    return found
