"""WebAuthn (Level 2) as the party that passkeys are made for. Verifies what authenticators say; keeps nothing."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import webauthn
from webauthn.helpers import decode_credential_public_key, decoded_public_key_to_cryptography
from webauthn.helpers.cose import COSEAlgorithmIdentifier
from webauthn.helpers.parse_authentication_credential_json import parse_authentication_credential_json
from webauthn.helpers.parse_registration_credential_json import parse_registration_credential_json
from webauthn.helpers.structs import (
    AttestationConveyancePreference,
    AuthenticationCredential,
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from user_service.model.factors import CHALLENGE, Passkey

NAME = "Heliograph"
CHALLENGE_BYTES = HANDLE_BYTES = 32

_LONGEST_ANSWER = 16_384
_MAX_CREDENTIAL_ID = 1023  # WebAuthn, section 5.8.3
_ALGORITHMS = [
    COSEAlgorithmIdentifier.ECDSA_SHA_256,
    COSEAlgorithmIdentifier.EDDSA,
    COSEAlgorithmIdentifier.RSASSA_PKCS1_v1_5_SHA_256,
]
_TIMEOUT_MS = int(CHALLENGE.total_seconds() * 1000)

T = TypeVar("T")


@dataclass(frozen=True)
class Registered:
    credential_id: bytes
    public_key: bytes
    sign_count: int
    transports: Sequence[str]


@dataclass(frozen=True)
class Claim:
    """What an answer says of itself: nothing of it is verified."""

    credential_id: bytes
    handle: bytes | None
    parsed: AuthenticationCredential


@dataclass(frozen=True)
class RelyingParty:
    """`id` is the domain that passkeys belong to, `origins` are the pages (or apps) that may use them."""

    id: str
    origins: Sequence[str]

    def registration(self, challenge: bytes, handle: bytes, username: str, name: str, known: Sequence[Passkey]) -> str:
        """Options for navigator.credentials.create() in JSON. No attestation: which make of authenticator somebody has
        is none of our business."""
        options = webauthn.generate_registration_options(
            rp_id=self.id,
            rp_name=NAME,
            user_id=handle,
            user_name=username,
            user_display_name=name or username,
            challenge=challenge,
            timeout=_TIMEOUT_MS,
            attestation=AttestationConveyancePreference.NONE,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.PREFERRED, user_verification=UserVerificationRequirement.PREFERRED
            ),
            exclude_credentials=[_descriptor(passkey) for passkey in known],
            supported_pub_key_algs=_ALGORITHMS,
        )
        return webauthn.options_to_json(options)

    def request(self, challenge: bytes, known: Sequence[Passkey], *, verified: bool) -> str:
        """Options for navigator.credentials.get() in JSON; none known asks for any passkey of this place. `verified`
        makes the authenticator make sure of its owner, by a finger or a PIN."""
        wanted = UserVerificationRequirement.REQUIRED if verified else UserVerificationRequirement.DISCOURAGED
        options = webauthn.generate_authentication_options(
            rp_id=self.id,
            challenge=challenge,
            timeout=_TIMEOUT_MS,
            allow_credentials=[_descriptor(passkey) for passkey in known],
            user_verification=wanted,
        )
        return webauthn.options_to_json(options)

    def register(self, answer: str, challenge: bytes) -> Registered | None:
        """None when it cannot be verified."""
        return _attempt(lambda: self._register(answer, challenge))

    def claim(self, answer: str) -> Claim | None:
        """None when it is not an answer at all."""
        return _attempt(lambda: _claim(answer))

    def sign_count(self, claim: Claim, passkey: Passkey, challenge: bytes, *, verified: bool) -> int | None:
        """The authenticator's counter as the answer tells it; None when the answer cannot be verified. Whether the
        counter went on is for the caller to check: only of an answer that is right does it mean anything."""
        return _attempt(
            lambda: (
                webauthn.verify_authentication_response(
                    credential=claim.parsed,
                    expected_challenge=challenge,
                    expected_rp_id=self.id,
                    expected_origin=list(self.origins),
                    credential_public_key=passkey.public_key,
                    credential_current_sign_count=0,
                    require_user_verification=verified,
                ).new_sign_count
            )
        )

    def _register(self, answer: str, challenge: bytes) -> Registered | None:
        parsed = parse_registration_credential_json(_bounded(answer))
        found = webauthn.verify_registration_response(
            credential=parsed,
            expected_challenge=challenge,
            expected_rp_id=self.id,
            expected_origin=list(self.origins),
            supported_pub_key_algs=_ALGORITHMS,
        )
        # Raises for a key that is none, such as a point off its curve.
        decoded_public_key_to_cryptography(decode_credential_public_key(found.credential_public_key))
        if len(found.credential_id) > _MAX_CREDENTIAL_ID:
            return None
        transports = [transport.value for transport in parsed.response.transports or ()]
        return Registered(found.credential_id, found.credential_public_key, found.sign_count, transports)


def _claim(answer: str) -> Claim:
    parsed = parse_authentication_credential_json(_bounded(answer))
    return Claim(parsed.raw_id, parsed.response.user_handle, parsed)


def _bounded(answer: str) -> dict[str, Any]:
    if len(answer) > _LONGEST_ANSWER:
        raise ValueError("too long")
    return json.loads(answer)


def _attempt(verify: Callable[[], T]) -> T | None:
    try:
        return verify()
    except Exception:  # noqa: BLE001 the library's parsers let out whatever strangers' bytes make them stumble over
        return None


def _descriptor(passkey: Passkey) -> PublicKeyCredentialDescriptor:
    transports = [AuthenticatorTransport(name) for name in passkey.transports]
    return PublicKeyCredentialDescriptor(id=passkey.credential_id, transports=transports or None)
