"""Second factors, as their owners send and see them."""

from typing import Annotated, Any

from msgspec import Meta, Struct
from pydantic import ConfigDict, Field

from gateway.schemas.answers import Id, Time
from gateway.schemas.lists import Next
from gateway.schemas.requests import Body, Text

_OPTIONS = Meta(description="What navigator.credentials takes as publicKey, in the JSON form of WebAuthn Level 3")
_CODES = Meta(description="Each good once; never shown again")


class Totp(Struct, frozen=True):
    """Codes of an authenticator app."""

    added_at: Time | None
    last_used_at: Time | None


class Factors(Struct, frozen=True):
    """A log-in asks for one of these beside the password, if there is any. `totp` is null while it is off."""

    totp: Totp | None
    passkeys: int
    recovery_codes_left: int


class NewTotp(Struct, frozen=True):
    """`secret` is for those who type it, `uri` for a QR code. It counts once a code confirms it."""

    secret: str
    uri: str
    expires_at: Time | None


class RecoveryCodes(Struct, frozen=True):
    """Empty unless this was the first factor, or they were asked for."""

    recovery_codes: Annotated[list[str], _CODES]


class PasskeyOptions(Struct, frozen=True):
    """The ticket goes back with the authenticator's answer."""

    ticket: str
    options: Annotated[dict[str, Any], _OPTIONS]
    expires_at: Time | None


class Passkey(Struct, frozen=True):
    id: Id
    name: str
    created_at: Time | None
    last_used_at: Time | None


class NewPasskey(Passkey, frozen=True):
    """`recovery_codes` are empty unless this is the first factor."""

    recovery_codes: Annotated[list[str], _CODES]


class Passkeys(Struct, frozen=True):
    items: list[Passkey]
    next: Next


_ANSWER: dict[str, Any] = {
    "id": "jdZ5G0V0tcyY",
    "rawId": "jdZ5G0V0tcyY",
    "type": "public-key",
    "response": {"clientDataJSON": "eyJ0eXBlIjoid2ViYXV0aG4uY3JlYXRlIn0", "attestationObject": "o2NmbXRkbm9uZQ"},
}

PublicKeyCredential = Annotated[
    dict[str, Any], Field(description="What navigator.credentials answered, as its toJSON() writes it")
]


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [fields]})


class Confirmation(Body):
    """Who has a second factor proves it too, with one of `code`, `recovery_code`, or `assertion` and the `ticket` of
    its challenge."""

    model_config = _example(password="correct horse battery", code="287082")  # noqa: S106 an example

    password: Text
    code: Text = ""
    recovery_code: Text = ""
    assertion: PublicKeyCredential | None = None
    ticket: Text = ""


class FirstCode(Body):
    model_config = _example(code="287082")

    code: Annotated[Text, Field(min_length=1)]


class PasskeyRegistration(Body):
    model_config = _example(ticket="8hTtcG3o", credential=_ANSWER, name="Laptop")

    ticket: Text
    credential: PublicKeyCredential
    name: Text = ""


_TIME = "2026-06-21T19:30:00.000Z"
_RECOVERY_CODES = ["7h3k-9fqw-2m5x-b8dz", "e4v0-t6yn-cj1r-s9ga"]
_PASSKEY = {"id": "116045278314958856", "name": "Laptop", "created_at": _TIME, "last_used_at": None}
FACTOR_EXAMPLES: dict[str, dict[str, Any]] = {
    "Factors": {
        "totp": {"added_at": _TIME, "last_used_at": None},
        "passkeys": 1,
        "recovery_codes_left": 9,
    },
    "NewPasskey": {**_PASSKEY, "recovery_codes": _RECOVERY_CODES},
    "NewTotp": {
        "secret": "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",  # nosec B105 an example
        "uri": "otpauth://totp/Heliograph:ada?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=Heliograph",
        "expires_at": _TIME,
    },
    "Passkey": _PASSKEY,
    "PasskeyOptions": {
        "ticket": "8hTtcG3o",
        "options": {"challenge": "h0KpcXLm", "rpId": "heliograph.example.org", "userVerification": "required"},
        "expires_at": _TIME,
    },
    "Passkeys": {"items": [_PASSKEY], "next": None},
    "RecoveryCodes": {"recovery_codes": _RECOVERY_CODES},
}
