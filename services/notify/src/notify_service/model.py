"""What a notification is: a group of people who did one thing to one subject."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum

from kit.errors import InvalidArgument
from kit.ids import time_of

MAX_ACTORS = 3
MAX_MEMBERS = 1000
"""Members of a group that are looked at; `others` counts no further."""
MAX_UNREAD = 100


class Kind(IntEnum):
    FOLLOW = 1
    LIKE = 2
    COMMENT = 3
    REPLY = 4
    MENTION = 5
    FOLLOW_REQUEST = 6


class NotifyOf(IntEnum):
    """Whose doings of a kind an account wants to hear of."""

    EVERYONE = 1
    FOLLOWING = 2
    """Of whom the account follows."""
    NOBODY = 3


Wishes = Mapping[Kind, NotifyOf]
"""What is not there is EVERYONE."""


@dataclass(frozen=True)
class Group:
    """Names what is shown as one notification. `post_id` and `comment_id` are 0 where the kind has none."""

    kind: Kind
    subject_id: int
    post_id: int = 0
    comment_id: int = 0

    @property
    def key(self) -> str:
        return f"{self.kind.value}:{self.subject_id}:{self.post_id}:{self.comment_id}"


def group_of(key: str) -> Group:
    """The group that a key names."""
    kind, subject_id, post_id, comment_id = (int(part) for part in key.split(":"))
    return Group(Kind(kind), subject_id, post_id, comment_id)


def likes_of(post_id: int) -> Group:
    return Group(Kind.LIKE, post_id, post_id=post_id)


def follow_by(user_id: int) -> Group:
    return Group(Kind.FOLLOW, user_id)


def follow_request_by(user_id: int) -> Group:
    return Group(Kind.FOLLOW_REQUEST, user_id)


def about_comment(kind: Kind, post_id: int, comment_id: int) -> Group:
    return Group(kind, comment_id, post_id=post_id, comment_id=comment_id)


def mention_in_post(post_id: int) -> Group:
    return Group(Kind.MENTION, post_id, post_id=post_id)


@dataclass(frozen=True)
class Entry:
    """One person did one thing that another is to hear of. `event_id` sorts by time; `at` is the event's time."""

    recipient_id: int
    group: Group
    actor_id: int
    event_id: int
    at: datetime


@dataclass(frozen=True)
class CommentMade:
    """What decides who hears of a comment; ids are 0 where there is none."""

    comment_id: int
    post_id: int
    post_author_id: int
    author_id: int
    reply_to_author_id: int
    mentioned_ids: Sequence[int]
    at: datetime


def entries_of_comment(made: CommentMade) -> list[Entry]:
    """Who hears of a comment: whom it answers, the post's author, whom it mentions; each once, its own author never."""
    kinds = dict.fromkeys(made.mentioned_ids, Kind.MENTION)
    kinds[made.post_author_id] = Kind.COMMENT
    if made.reply_to_author_id:
        kinds[made.reply_to_author_id] = Kind.REPLY
    return [
        Entry(user_id, about_comment(kind, made.post_id, made.comment_id), made.author_id, made.comment_id, made.at)
        for user_id, kind in kinds.items()
        if user_id != made.author_id
    ]


@dataclass(frozen=True)
class Member:
    actor_id: int
    event_id: int


@dataclass(frozen=True)
class Pointer:
    """A group's place in a day: newest first, ties broken by the key."""

    event_id: int
    group_key: str

    @property
    def place(self) -> tuple[int, str]:
        return (self.event_id, self.group_key)


def day_of(event_id: int) -> date:
    """The UTC day of an event."""
    return time_of(event_id).date()


def newest_first(members: Iterable[Member]) -> list[Member]:
    return sorted(members, key=lambda member: member.event_id, reverse=True)


def token_after(pointer: Pointer) -> str:
    return f"{pointer.event_id}|{pointer.group_key}"


def pointer_of(token: str) -> Pointer | None:
    """Where the last page ended; None for the first page. Raises InvalidArgument BAD_PAGE_TOKEN."""
    if not token:
        return None
    event_id, _, key = token.partition("|")
    try:
        pointer = Pointer(int(event_id), key)
        group_of(key)
        day_of(pointer.event_id)
    except (ValueError, OverflowError):
        raise InvalidArgument("BAD_PAGE_TOKEN", "the page token is not one of this list") from None
    return pointer
