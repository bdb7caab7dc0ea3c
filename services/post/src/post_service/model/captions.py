"""What a caption says: tags and mentions."""

import re
import unicodedata

from post_service.model.errors import invalid

TAGS_MAX = 30
MENTIONS_MAX = 30
TAG_LENGTH_MAX = 100
# A tag or mention starts a word: "a#b", "##b", "/x#b" and addresses such as "a@b.org" are neither.
_TAG = re.compile(r"(?<![\w&#/@])[#＃]([\w\u200d]+)")
_MENTION = re.compile(r"(?<![\w@#/.+-])@([A-Za-z0-9_](?:[A-Za-z0-9_.]{0,28}[A-Za-z0-9_])?)(?![A-Za-z0-9_])")


def fold_tag(text: str) -> str:
    """The one spelling of a tag, without "#": compatibility forms unified, case folded."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def tags_in(text: str) -> tuple[str, ...]:
    """Tags in the order of their first mention, each once. A tag has a letter: "#1" is a number."""
    found = (fold_tag(match.group(1)).strip("_\u200d") for match in _TAG.finditer(text))
    return tuple(dict.fromkeys(tag for tag in found if any(char.isalpha() for char in tag)))


def usernames_in(text: str) -> tuple[str, ...]:
    """Lower-case usernames mentioned, in the order of their first mention, each once."""
    return tuple(dict.fromkeys(match.group(1).lower() for match in _MENTION.finditer(text)))


def check_tags(tags: tuple[str, ...], *, field: str) -> None:
    """Raises InvalidArgument INVALID_FIELD."""
    if len(tags) > TAGS_MAX:
        raise invalid(field, f"more than {TAGS_MAX} tags")
    if any(len(tag) > TAG_LENGTH_MAX for tag in tags):
        raise invalid(field, f"a tag longer than {TAG_LENGTH_MAX} characters")


def check_mentions(usernames: tuple[str, ...], *, field: str) -> None:
    """Raises InvalidArgument INVALID_FIELD."""
    if len(usernames) > MENTIONS_MAX:
        raise invalid(field, f"more than {MENTIONS_MAX} people mentioned")
