"""What clients send to confirm and change addresses, passwords and usernames."""

from typing import Any

from pydantic import ConfigDict

from gateway.schemas.requests import Body, Text

_TOKEN = "hgm_AaH-RJRMAAEBc9gtq35aaKw2MmcKevaKSIokEhsGMbZI8X3rZp-UqrQ"  # noqa: S105 an example
_PASSWORD = "correct horse battery"  # noqa: S105 an example


def _example(**fields: Any) -> ConfigDict:
    return ConfigDict(json_schema_extra={"examples": [fields]})


class LetterToken(Body):
    """`token` is what stands behind the # of a letter's link."""

    model_config = _example(token=_TOKEN)

    token: Text


class Address(Body):
    model_config = _example(email="ada@example.org")

    email: Text


class ForgottenPassword(Body):
    """`device_token` is what an earlier log-in from this device answered."""

    model_config = _example(email="ada@example.org", device_token="hgd_3q2-7w")  # noqa: S106 an example

    email: Text
    device_token: Text = ""


class NewAddress(Body):
    model_config = _example(email="ada@example.net", password=_PASSWORD)

    email: Text
    password: Text


class PasswordChange(Body):
    model_config = _example(current_password=_PASSWORD, new_password="staple of another battery")  # noqa: S106 an example

    current_password: Text
    new_password: Text


class PasswordReset(Body):
    """`token` is what stands behind the # of a letter's link."""

    model_config = _example(token=_TOKEN, password="staple of another battery")  # noqa: S106 an example

    token: Text
    password: Text


class NewUsername(Body):
    model_config = _example(username="ada_l")

    username: Text
