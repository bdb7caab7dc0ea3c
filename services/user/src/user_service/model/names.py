"""Rules for what a person types: usernames, e-mail addresses, passwords, texts.

A `..._fault` says what is wrong, or None.
"""

import re
import unicodedata

from user_service.model import lookalikes

MIN_PASSWORD, MAX_PASSWORD = 8, 128
MAX_REQUEST_ID = 255
MAX_USERNAME = 30
TEXT_LIMITS = {"name": 60, "bio": 500, "website": 200, "location": 100, "pronouns": 30}
"""In code points, after NFC."""
_SHOWN_AS_NAME = {"name", "pronouns", "location"}
_LONGEST_COMPOSED = 2000  # code points; four times the longest text

_RESERVED = """
    about abuse account accounts admin administrator anonymous api app apps auth billing blog contact copyright
    current dashboard dev developer developers docs download edit everyone explore feed feedback files follow
    followers following guest health healthz heliograph help home host hostmaster image images info internal
    invite jobs legal like likes login logout mail mailer-daemon me media messages metrics moderator news
    nobody noreply notifications notify null oauth official operator owner password places policy post
    postmaster posts press privacy profile public readyz register registration report reports reset root rss
    save search security server session sessions settings signin signup staff static status stories story
    stream support sysadmin system tag tags team terms test token undefined upload uploads user username users
    verify video videos void web webmaster well-known www you
"""
RESERVED = frozenset(_RESERVED.split())
_RESERVED_LOOKS = frozenset(map(lookalikes.bare_look, RESERVED))

_USERNAME = re.compile(r"[a-z0-9._]{3,30}")
# RFC 5321 in the form that mail providers hand out: a dot-atom at a domain of at least two labels, in ASCII (a domain
# of another script is written in its xn-- form).
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*")
_LABEL = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_DOMAIN = re.compile(rf"(?:{_LABEL}\.)+(?!\d+$){_LABEL}")
# Without what no address may hold unescaped (RFC 3986): it would end the attribute of a page that shows it carelessly.
_WEBSITE = re.compile(
    r"""https?://(?P<host>[^\s/?#:@"<>\\^`{|}]+)(?::\d{1,5})?(?:[/?#][^\s"<>\\^`{|}]*)?""", re.IGNORECASE
)
_MAX_LOCAL, _MAX_EMAIL = 64, 254


def plain(text: str) -> str:
    """Postgres stores every character but this."""
    return text.replace("\0", "")


def fold_username(text: str) -> str:
    """The one spelling that counts: ASCII letters in lower case. Other scripts stay as they are, so that no letter
    that only looks or folds like an ASCII one (the Kelvin sign) becomes one. What is far too long
    stays: a megabyte of it would hold up everybody for a while."""
    if len(text) > _LONGEST_COMPOSED:
        return text
    return "".join(character.lower() if character.isascii() else character for character in text)


def username_fault(text: str) -> str | None:
    """Of a username as typed."""
    folded = fold_username(text)
    if not is_username(folded) or unicodedata.normalize("NFKC", text) != text:
        return _shape_fault(text[: 2 * MAX_USERNAME])
    if folded.startswith(".") or folded.endswith(".") or ".." in folded:
        return "must not begin or end with a dot, nor have two in a row"
    if folded in RESERVED:
        return "is reserved"
    return "looks like a reserved name" if lookalikes.bare_look(folded) in _RESERVED_LOOKS else None


def _shape_fault(text: str) -> str:
    if any(lookalikes.is_control(character) for character in text) or lookalikes.hides(text):
        return "must not have characters that are invisible or change the direction of text"
    if not text.isascii() and _USERNAME.fullmatch(lookalikes.latin_look(text)):
        return "has letters that only look like a-z: those of other alphabets are not allowed"
    return f"must have 3 to {MAX_USERNAME} characters out of letters a-z, digits, dot and underscore"


def clean_email(text: str) -> str:
    """Domain in lower case; the local part as typed, for it is the mailbox's owner who knows whether case matters."""
    local, at, domain = text.strip().rpartition("@")
    return f"{local}{at}{domain.lower()}"


def is_username(folded: str) -> bool:
    """Whether a folded username could be anybody's: that of a reserved name could."""
    return _USERNAME.fullmatch(folded) is not None


def email_key(text: str) -> str:
    """What is unique: no two accounts differ in the case of their address only."""
    return clean_email(text).lower()


def email_fault(text: str) -> str | None:
    """Of an address that went through clean_email."""
    local, _, domain = text.rpartition("@")
    fits = len(local) <= _MAX_LOCAL and len(text) <= _MAX_EMAIL
    if fits and _LOCAL.fullmatch(local) and _DOMAIN.fullmatch(domain):
        return None
    return "is not an e-mail address"


def fold_password(text: str) -> str:
    """NFC: the same password typed on another keyboard may come in other code points. What is far too long stays."""
    return _composed(text)


def password_fault(text: str, shortest: int = MIN_PASSWORD) -> str | None:
    """Of a folded password. Length alone, as NIST SP 800-63B has it: any character may be in it."""
    if len(text) < shortest:
        return f"must have at least {shortest} characters"
    return f"must have at most {MAX_PASSWORD} characters" if len(text) > MAX_PASSWORD else None


def clean_text(text: str) -> str:
    """NFC, without space around it. What is far too long for any field stays so."""
    return _composed(text.strip()).strip()


def _composed(text: str) -> str:
    """Putting a long run of combining marks in order takes time with the square of its length: a megabyte of them would
    hold up everybody for minutes."""
    return unicodedata.normalize("NFC", text) if len(text) <= _LONGEST_COMPOSED else text


def text_fault(field: str, text: str) -> str | None:
    """Of a cleaned text; `field` is one of TEXT_LIMITS."""
    if len(text) > TEXT_LIMITS[field]:
        return f"must have at most {TEXT_LIMITS[field]} characters"
    if any(lookalikes.is_control(character) for character in text if field != "bio" or character != "\n"):
        return "must not have control characters, nor what changes the direction of text"
    if field in _SHOWN_AS_NAME and lookalikes.hides(text):
        return "must not have invisible characters"
    if field == "website" and text and not _is_website(text):
        return "must be an http or https address"
    return None


def request_id_fault(text: str) -> str | None:
    fits = len(text) <= MAX_REQUEST_ID and text.isprintable()
    return None if fits else f"must be printable and have at most {MAX_REQUEST_ID} characters"


def _is_website(text: str) -> bool:
    """With a host, and without a user part, which only serves to mislead."""
    found = _WEBSITE.fullmatch(text)
    return found is not None and not found["host"].startswith(".") and ".." not in found["host"]
