"""Tags that an account follows: how they are spelt, and how many there may be.

The post service finds tags in captions. A followed tag has to be the very text that it keeps, so the folding here is
the same; services share no code, and a test compares the two.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from kit import ids

from graph_service.model import errors

MOST_FOLLOWED = 200
LENGTH_MAX = 100
_TYPED = re.compile(r"[\w\u200d]+")


@dataclass(frozen=True)
class FollowedTag:
    """`id` is the change that made it."""

    tag: str
    id: int

    @property
    def followed_at(self) -> datetime:
        return ids.time_of(self.id)


@dataclass(frozen=True)
class TagChange:
    """A tag that has been followed, or is no longer. `id` orders the changes of the account's tags."""

    user_id: int
    tag: str
    followed: bool
    id: int
    at: datetime


def tag_of(text: str) -> str:
    """The one spelling of a tag that may begin with "#". Raises InvalidArgument INVALID_FIELD for what is no tag."""
    typed = text.removeprefix("#").removeprefix("＃")
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", typed).casefold())
    tag = folded.strip("_\u200d")
    if not (_TYPED.fullmatch(typed) or all(map(_kept, tag))) or not any(map(str.isalpha, tag)):
        raise errors.no_tag("letters, digits and underscores, and at least one letter")
    if len(tag) > LENGTH_MAX:
        raise errors.no_tag(f"at most {LENGTH_MAX} characters")
    return tag


def check_room(followed: int) -> None:
    """Raises FailedPrecondition TOO_MANY_TAGS when one more is too many."""
    if followed >= MOST_FOLLOWED:
        raise errors.too_many_tags(MOST_FOLLOWED)


def _kept(char: str) -> bool:
    """Whether it can be in a tag that is shown: folding makes marks of some letters ("ำ") and signs of some numbers."""
    return char.isalnum() or char in "_\u200d\u2044\u00b7" or unicodedata.category(char).startswith("M")
