"""An authenticator in software: makes passkeys and signs with them as the standard says (WebAuthn Level 2), and lies
where a test wants it to."""

import hashlib
import json
import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import cbor2
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256

Json = dict[str, Any]

_PRESENT, _VERIFIED, _ATTESTED = 0x01, 0x04, 0x40


class Key(Protocol):
    def cose(self) -> Mapping[int, Any]: ...
    def sign(self, data: bytes) -> bytes: ...


class EllipticKey:
    """ES256."""

    def __init__(self) -> None:
        self._key = ec.generate_private_key(ec.SECP256R1())

    def cose(self) -> Mapping[int, Any]:
        point = self._key.public_key().public_numbers()
        return {1: 2, 3: -7, -1: 1, -2: point.x.to_bytes(32), -3: point.y.to_bytes(32)}

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data, ec.ECDSA(SHA256()))


class EdwardsKey:
    """EdDSA."""

    def __init__(self) -> None:
        self._key = ed25519.Ed25519PrivateKey.generate()

    def cose(self) -> Mapping[int, Any]:
        return {1: 1, 3: -8, -1: 6, -2: self._key.public_key().public_bytes_raw()}

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data)


class RsaKey:
    """RS256."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)

    def cose(self) -> Mapping[int, Any]:
        numbers = self._key.public_key().public_numbers()
        return {1: 3, 3: -257, -1: numbers.n.to_bytes(256), -2: numbers.e.to_bytes(3)}

    def sign(self, data: bytes) -> bytes:
        return self._key.sign(data, padding.PKCS1v15(), SHA256())


@dataclass
class Authenticator:
    """With one passkey. `counts` is whether its counter goes on; `verifies` whether it makes sure of its owner; what
    else it says can be set before each answer."""

    origin: str = "http://localhost:8080"
    counts: bool = True
    verifies: bool = True
    key: Key = field(default_factory=EllipticKey)
    credential_id: bytes = field(default_factory=lambda: secrets.token_bytes(32))
    rp_id: str | None = None
    handle: bytes | None = None
    counter: int = 0

    def create(self, options: Json, *, attestation: Json | None = None) -> Json:
        """What navigator.credentials.create() answers to these options, in the form of toJSON()."""
        self.handle = decoded(options["user"]["id"])
        self.rp_id = self.rp_id or options["rp"]["id"]
        length = len(self.credential_id).to_bytes(2)
        attested = bytes(16) + length + self.credential_id + cbor2.dumps(dict(self.key.cose()))
        data = self._data(_ATTESTED) + attested
        found = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data, **(attestation or {})})
        client = self._client("webauthn.create", options)
        return self._credential({"clientDataJSON": client, "attestationObject": found}, transports=["internal", "x"])

    def get(self, options: Json, *, with_handle: bool = True, kind: str = "webauthn.get") -> Json:
        """What navigator.credentials.get() answers."""
        self.counter += self.counts
        data, client = self._data(0), self._client(kind, options)
        signature = self.key.sign(data + hashlib.sha256(client).digest())
        answer = {"clientDataJSON": client, "authenticatorData": data, "signature": signature}
        return self._credential(answer | ({"userHandle": self.handle} if with_handle and self.handle else {}))

    def _data(self, flags: int) -> bytes:
        assert self.rp_id
        flags |= _PRESENT | (_VERIFIED if self.verifies else 0)
        return hashlib.sha256(self.rp_id.encode()).digest() + bytes([flags]) + self.counter.to_bytes(4)

    def _client(self, kind: str, options: Json) -> bytes:
        said = {"type": kind, "challenge": options["challenge"], "origin": self.origin, "crossOrigin": False}
        return json.dumps(said).encode()

    def _credential(self, answer: Mapping[str, bytes], **more: Any) -> Json:
        name = encoded(self.credential_id)
        response: Json = {field: encoded(value) for field, value in answer.items()}
        return {"id": name, "rawId": name, "type": "public-key", "response": response | more}


def encoded(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "===")
