"""Access tokens made with a stack's own key, or nearly so."""

import base64
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from joserfc import jwt
from joserfc.jwk import OKPKey


def signing_key(root: Path) -> OKPKey:
    """The key that the stack in this folder signs with; its kid is in it."""
    (only,) = (root / "secrets" / "token-keys").glob("*.json")
    fields = json.loads(only.read_text())
    fields.pop("iat")
    return OKPKey.import_key(fields)


def sign(key: OKPKey, message: bytes) -> bytes:
    private = key.private_key
    assert isinstance(private, Ed25519PrivateKey)
    return private.sign(message)


def token(root: Path, claims: Mapping[str, Any], *, expires_in: float = 60, **header: Any) -> str:
    """A token with these claims, signed with the stack's own key; `header` goes over what is right."""
    key, now = signing_key(root), int(time.time())
    right = {"alg": "EdDSA", "kid": key.kid, "typ": "at+jwt"}
    times = {"iat": now - 900, "exp": now + int(expires_in)}
    return jwt.encode({**right, **header}, {**claims, **times}, key, algorithms=["EdDSA"])


def claims_of(access_token: str) -> dict[str, Any]:
    return json.loads(unpacked(access_token.split(".")[1]))


def header_of(access_token: str) -> dict[str, Any]:
    return json.loads(unpacked(access_token.split(".")[0]))


def packed(content: bytes | Mapping[str, Any]) -> str:
    data = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def unpacked(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
