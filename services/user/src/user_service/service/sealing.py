"""Secrets at rest: sealed with AES-256-GCM under the newest of the keys that settings name, opened with any of them."""

import hashlib
import secrets
from collections.abc import Sequence

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from user_service.model.factors import Sealed

_NONCE_BYTES = 12
_PURPOSE = b"heliograph totp secrets 1"


class SealBroken(Exception):
    """The key is not there any more."""


class Seals:
    """`keys` are random texts of at least 32 characters; the first seals. A new one stands behind it until every
    process can open with it, then before it; the old one may go once nothing is sealed under it any more (see
    Factors.renew_seals)."""

    def __init__(self, keys: Sequence[str]) -> None:
        derived = [_derive(key) for key in keys]
        self._keys = {_name(key): AESGCM(key) for key in derived}
        self.newest = _name(derived[0])

    def seal(self, user_id: int, secret: bytes) -> Sealed:
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return Sealed(nonce + self._keys[self.newest].encrypt(nonce, secret, _bound(user_id)), self.newest)

    def open(self, user_id: int, sealed: Sealed) -> bytes:
        """Raises SealBroken; cryptography.exceptions.InvalidTag when the row was tampered with or is another's."""
        key = self._keys.get(sealed.key_id)
        if key is None:
            raise SealBroken(f"no key {sealed.key_id} in HELIOGRAPH_FACTOR_KEYS")
        return key.decrypt(sealed.data[:_NONCE_BYTES], sealed.data[_NONCE_BYTES:], _bound(user_id))


def _bound(user_id: int) -> bytes:
    """Nobody's secret can be put into another's row."""
    return user_id.to_bytes(8)


def _derive(key: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=_PURPOSE).derive(key.encode())


def _name(key: bytes) -> str:
    return hashlib.sha256(key).hexdigest()[:16]
