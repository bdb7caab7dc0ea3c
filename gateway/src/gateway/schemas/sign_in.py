"""Logging in, as clients send and see it."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct
from pydantic import ConfigDict, Field

from gateway.schemas.answers import Id, Time
from gateway.schemas.lists import Next
from gateway.schemas.requests import Body, Text

_OPTIONS = Meta(description="What navigator.credentials.get takes as publicKey, in the JSON form of WebAuthn Level 3")
_TICKET = "hgt_AAGcPz3u3rAAAAAAAAAAAQ"
_DEVICE = "hgd_Zm9yIGV4YW1wbGU"
_ASSERTION = {"id": "a2V5", "rawId": "a2V5", "type": "public-key", "response": {"clientDataJSON": "e30"}}

Assertion = Annotated[dict[str, Any], Field(description="The JSON form of what navigator.credentials.get answered")]


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [fields]})


class FromDevice(Body):
    """`device_name` is shown in the list of sessions. `device_token` is what an earlier log-in from this device
    answered: a device that is known is not held up when strangers try to guess the password. `cancel_deletion` keeps an
    account whose deletion is pending."""

    device_name: Annotated[Text, Field(max_length=200)] = ""
    device_token: Annotated[Text, Field(max_length=200)] = ""
    cancel_deletion: bool = False


class Credentials(FromDevice):
    """`login` is a username or an e-mail address."""

    model_config = _example(
        login="ada",
        password="correct horse battery",  # noqa: S106 an example
        device_name="Ada's phone",
        device_token=_DEVICE,
    )

    login: Text
    password: Text


class SecondFactorProof(FromDevice):
    """One of `code`, `recovery_code` and `assertion`."""

    model_config = _example(ticket=_TICKET, code="123456")

    ticket: Text
    code: Text = ""
    recovery_code: Text = ""
    assertion: Assertion | None = None


class PasskeyAnswer(FromDevice):
    model_config = _example(ticket=_TICKET, assertion=_ASSERTION)

    ticket: Text
    assertion: Assertion


class Refresh(Body):
    model_config = _example(refresh_token="hgr_3q2-7w")  # noqa: S106 an example

    refresh_token: Text


class SecondFactor(Struct, frozen=True):
    """The password was right, and one of `methods` is needed as well. The ticket is good for a few attempts, and for
    one log-in. `passkey_options` is null without passkeys."""

    ticket: str
    methods: list[Literal["totp", "recovery_code", "passkey"]]
    passkey_options: Annotated[dict[str, Any], _OPTIONS] | None
    expires_at: Time | None


class SecondFactorDue(Struct, frozen=True):
    second_factor: SecondFactor


class PasskeyLogIn(Struct, frozen=True):
    """The ticket goes back with the passkey's answer."""

    ticket: str
    options: Annotated[dict[str, Any], _OPTIONS]
    expires_at: Time | None


class SecurityEvent(Struct, frozen=True):
    """Something that touched the account's security. `session_id` is null when it was of no session."""

    id: Id
    kind: Annotated[str, Meta(description='Such as "logged_in"; new ones may come')]
    address: str
    user_agent: str
    session_id: Id | None
    details: dict[str, str]
    created_at: Time | None


class SecurityEvents(Struct, frozen=True):
    items: list[SecurityEvent]
    next: Next


_TIME = "2026-06-21T19:30:00.000Z"
_PASSKEY_OPTIONS = {"challenge": "c2lnbiB0aGlz", "rpId": "example.org", "userVerification": "required"}
SIGN_IN_EXAMPLES: dict[str, dict[str, Any]] = {
    "PasskeyLogIn": {"ticket": _TICKET, "options": _PASSKEY_OPTIONS, "expires_at": _TIME},
    "SecondFactorDue": {
        "second_factor": {
            "ticket": _TICKET,
            "methods": ["totp", "recovery_code"],
            "passkey_options": None,
            "expires_at": _TIME,
        }
    },
}
