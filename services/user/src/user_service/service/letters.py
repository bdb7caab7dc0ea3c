"""The letters that the service writes: one registry of templates, each in plain text and in HTML.

A template's texts hold {variables}. What they are filled with is never trusted: control characters go, and HTML is
escaped. No letter repeats what strangers could choose freely (a name, a bio): it would be theirs to send spam with.
"""

import html
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_NOT_YOU = "If this was not you, set a new password and look at where your account is logged in."
_NOT_YOUR_FACTOR = "If this was not you, set a new password, and look at the second factors of your account."


@dataclass(frozen=True)
class Template:
    """`link` is a path on the public web address, or an address as a whole. A token in it belongs behind the #: what
    fetches links before people do then never sends it."""

    subject: str
    paragraphs: Sequence[str]
    link: str = ""
    link_text: str = ""
    after: Sequence[str] = ()


@dataclass(frozen=True)
class Content:
    subject: str
    text: str
    html: str


TEMPLATES: Mapping[str, Template] = MappingProxyType(
    {
        "verify_email": Template(
            "Confirm your e-mail address",
            ("Somebody, probably you, has made the account @{username} with this address.",),
            "/verify-email#token={token}",
            "Confirm the address",
            ("The link works once, for {valid}. If it was not you, do nothing: the address will not be confirmed.",),
        ),
        "change_email": Template(
            "Confirm your new e-mail address",
            ("The account @{username} wants to use this address from now on.",),
            "/verify-email#token={token}",
            "Confirm the address",
            ("The link works once, for {valid}. If it was not you, do nothing: nothing will be changed.",),
        ),
        "address_in_use": Template(
            "Your e-mail address was named again",
            (
                "The account @{other} has named this address, which belongs to your account @{username}.",
                "Nothing has changed, and nobody was told that you have an account.",
                "If it was you: an address can belong to one account. Log in as @{username}, or ask for a new password "
                "if you have forgotten yours. If it was not you, do nothing.",
            ),
        ),
        "email_change_requested": Template(
            "Your e-mail address is about to change",
            (
                "The account @{username} has asked to use another e-mail address. It keeps this one until the new one "
                "is confirmed.",
                _NOT_YOU,
            ),
        ),
        "email_changed": Template(
            "Your e-mail address has changed",
            ("The account @{username} uses another e-mail address from now on. No more letters come here.", _NOT_YOU),
        ),
        "password_reset": Template(
            "Set a new password",
            ("Somebody, probably you, has asked for a new password of the account @{username}.",),
            "/reset-password#token={token}",
            "Set a new password",
            ("The link works once, for {valid}. If it was not you, do nothing: your password stays.",),
        ),
        "password_changed": Template(
            "Your password has been changed",
            (
                "The password of the account @{username} has been changed. All other devices have been logged out.",
                "If this was not you, ask for a new password at once, by “forgotten password” where you log in.",
            ),
        ),
        "password_was_reset": Template(
            "Your password has been set anew",
            (
                "The password of the account @{username} has been set anew by a link that was sent to this address. "
                "All devices have been logged out. A second factor, if you have one, is as it was.",
                "If this was not you, somebody else reads your mail: secure your mailbox first, then ask for a new "
                "password.",
            ),
        ),
        "totp_added": Template(
            "Your account asks for a second factor",
            (
                "From now on, logging in to the account @{username} needs a code of an authenticator app. Keep the "
                "recovery codes in a safe place: they let you in without the app.",
                _NOT_YOUR_FACTOR,
            ),
        ),
        "totp_removed": Template(
            "Codes of an app have been turned off",
            ("The account @{username} asks for no code of an authenticator app any more.", _NOT_YOU),
        ),
        "passkey_added": Template(
            "A passkey has been added to your account",
            ("A new passkey lets into the account @{username}.", _NOT_YOUR_FACTOR),
        ),
        "passkey_removed": Template(
            "A passkey has been removed from your account",
            ("A passkey of the account @{username} has been removed, and lets nobody in any more.", _NOT_YOU),
        ),
        "passkey_clone_suspected": Template(
            "A passkey of yours may have been copied",
            (
                "A passkey of the account @{username} was refused: its counter did not go on, as it would if somebody "
                "used a copy of it.",
                "Look at your passkeys, remove the one that you do not trust, and make a new one.",
            ),
        ),
        "recovery_codes_made": Template(
            "You have new recovery codes",
            ("The account @{username} has new recovery codes. The old ones are void.", _NOT_YOUR_FACTOR),
        ),
        "recovery_code_used": Template(
            "A recovery code has been used",
            (
                "A recovery code of the account @{username} has been used. Codes that are left: {left}.",
                "If this was not you, somebody has your password and your codes: set a new password, make new codes.",
            ),
        ),
        "second_factor_reset": Template(
            "Your second factors have been taken away",
            (
                "An operator has taken all second factors of the account @{username} away. The password alone lets in "
                "now: set up a second factor again.",
                _NOT_YOUR_FACTOR,
            ),
        ),
        "export_ready": Template(
            "Your data is ready",
            (
                "The archive that you asked for, with all that Heliograph keeps of the account @{username}, is ready.",
                "Log in, and download it from your settings by {date}. After that it is deleted.",
                _NOT_YOU,
            ),
        ),
        "deletion_requested": Template(
            "Your account will be deleted",
            (
                "You have asked to delete the account @{username}. Nobody sees it any more, and all devices have been "
                "logged out.",
                "On {date} everything will be erased for good. Until then you can call it off: log in, and choose to "
                "keep the account.",
                "If this was not you, log in to call it off, and set a new password at once.",
            ),
        ),
        "username_changed": Template(
            "Your username has been changed",
            ("Your account is @{username} now. @{former} leads to it for {valid}, and stays yours so long.", _NOT_YOU),
        ),
    }
)


def write(template: Template, variables: Mapping[str, str], web_url: str) -> Content:
    """Raises KeyError for a variable that is missing."""
    plain = {name: _one_line(value) for name, value in variables.items()}
    escaped = {name: html.escape(value) for name, value in plain.items()}
    link = template.link.format_map(plain)
    address = web_url.rstrip("/") + link if link.startswith("/") else link
    text = [paragraph.format_map(plain) for paragraph in template.paragraphs]
    text += ([f"{template.link_text}:\n{address}"] if link else []) + [one.format_map(plain) for one in template.after]
    shown = [f"<p>{_escaped(paragraph).format_map(escaped)}</p>" for paragraph in template.paragraphs]
    if link:
        shown.append(f'<p><a href="{html.escape(address)}">{html.escape(template.link_text)}</a></p>')
    shown += [f"<p>{_escaped(one).format_map(escaped)}</p>" for one in template.after]
    subject = template.subject.format_map(plain)
    return Content(subject, "\n\n".join(text) + "\n", _page(html.escape(subject), "\n".join(shown)))


def span(days: float) -> str:
    """Days in words."""
    count, unit = (round(days), "day") if days >= 1 else (max(1, round(days * 24)), "hour")
    return f"one {unit}" if count == 1 else f"{count} {unit}s"


def _one_line(value: str) -> str:
    clean = _CONTROL.sub(" ", value)
    return "".join(character for character in clean if unicodedata.category(character) not in {"Cf", "Cs"})


def _escaped(paragraph: str) -> str:
    return html.escape(paragraph, quote=False)


def _page(title: str, body: str) -> str:
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<body style="font-family: sans-serif; line-height: 1.5">\n{body}\n</body></html>\n'
    )
