"""Devices from which somebody has logged in to an account, told by a token that they were given then."""

import base64
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta

from user_service.model.sessions import SECRET_BYTES, hash_of
from user_service.store.known_devices import KnownDeviceStore

KEPT = timedelta(days=400)
"""Since the last log-in; as long as browsers keep a cookie."""

_MOST = 20
_PREFIX = "hgd_"
_LENGTH = len(_PREFIX) + 43


class KnownDevices:
    """The token lets nobody in: a device that shows it is not held up by what strangers try."""

    def __init__(self, store: KnownDeviceStore, clock: Callable[[], datetime]) -> None:
        self._store, self._clock = store, clock

    async def knows(self, user_id: int, token: str) -> bool:
        return _is_token(token) and await self._store.knows(user_id, hash_of(token.encode()))

    async def remember(self, user_id: int, token: str) -> str:
        """After a log-in: the device's token, a new one unless it has one that the account knows."""
        kept = token if await self.knows(user_id, token) else _new_token()
        await self._store.remember(user_id, hash_of(kept.encode()), self._clock(), most=_MOST)
        return kept

    async def sweep(self) -> None:
        await self._store.sweep(self._clock() - KEPT)


def _new_token() -> str:
    return _PREFIX + base64.urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).rstrip(b"=").decode()


def _is_token(text: str) -> bool:
    return len(text) == _LENGTH and text.startswith(_PREFIX) and text.isascii()
