"""The folder of signing keys: one private JWK (RFC 8037, Ed25519) a file, named by its key id, readable by us alone."""

import json
import os
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from joserfc.jwk import OKPKey

_SUFFIX = ".json"
_MADE_AT = "iat"


@dataclass(frozen=True)
class SigningKey:
    kid: str
    made_at: datetime
    jwk: OKPKey


class KeyFolder:
    """`created` says when: it goes into the file, since a copied file loses its own time."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self) -> list[SigningKey]:
        """All keys, the newest first. Raises OSError when there is no such folder, ValueError for a broken file."""
        keys = [_read(path) for path in self._folder.iterdir() if path.suffix == _SUFFIX]
        return sorted(keys, key=lambda key: (key.made_at, key.kid), reverse=True)

    def create(self, clock: Callable[[], datetime]) -> str:
        """Makes the folder where it is missing, and a key in it; answers the key's id."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        key = OKPKey.generate_key("Ed25519", {"use": "sig", "alg": "EdDSA"})
        kid = key.thumbprint()
        fields = {**key.as_dict(private=True), "kid": kid, _MADE_AT: int(clock().timestamp())}
        self._write(kid, json.dumps(fields))
        return kid

    def create_first(self, clock: Callable[[], datetime]) -> str | None:
        """As create, when there is no key yet."""
        return None if self._folder.is_dir() and self.load() else self.create(clock)

    def remove(self, kid: str) -> None:
        """Raises FileNotFoundError."""
        (self._folder / f"{kid}{_SUFFIX}").unlink()

    def _write(self, kid: str, text: str) -> None:
        """Under another name first: whoever loads the folder at that moment must not read half a key."""
        part = self._folder / f".{kid}.{secrets.token_hex(4)}"
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        part.rename(self._folder / f"{kid}{_SUFFIX}")


def _read(path: Path) -> SigningKey:
    fields = json.loads(path.read_text())
    made_at = datetime.fromtimestamp(fields.pop(_MADE_AT, 0), UTC)
    key = OKPKey.import_key(fields)
    if not (key.is_private and key.curve_name == "Ed25519" and key.kid):
        raise ValueError(f"{path}: not a private Ed25519 key with a kid")
    return SigningKey(key.kid, made_at, key)
