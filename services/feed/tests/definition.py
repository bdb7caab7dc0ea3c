"""What a home feed is, by definition: pulled from truth, with no view and nothing kept. Whatever is served is compared
with this. It imports nothing of the service on purpose."""

from dataclasses import dataclass, field
from enum import Enum

Pair = tuple[int, int]


class Audience(Enum):
    PUBLIC = 1
    FOLLOWERS = 2
    CLOSE_FRIENDS = 3


@dataclass
class Truth:
    """What has been committed. Pairs are (who did it, to whom)."""

    authors: dict[int, int] = field(default_factory=dict[int, int])
    """Of the posts that are not deleted."""
    pending: set[int] = field(default_factory=set[int])
    """Posts whose media is not ready."""
    audiences: dict[int, Audience] = field(default_factory=dict[int, Audience])
    """PUBLIC where nothing else is said."""
    tags: dict[int, frozenset[str]] = field(default_factory=dict[int, frozenset[str]])
    follows: set[Pair] = field(default_factory=set[Pair])
    mutes: set[Pair] = field(default_factory=set[Pair])
    blocks: set[Pair] = field(default_factory=set[Pair])
    close_friends: set[Pair] = field(default_factory=set[Pair])
    followed_tags: set[tuple[int, str]] = field(default_factory=set[tuple[int, str]])
    private: set[int] = field(default_factory=set[int])
    inactive: set[int] = field(default_factory=set[int])
    """Suspended, or about to be erased."""
    likes: dict[Pair, int] = field(default_factory=dict[Pair, int])
    """(who, which post): the id of the change."""

    def audience(self, post: int) -> Audience:
        return self.audiences.get(post, Audience.PUBLIC)


def home_feed(truth: Truth, viewer: int) -> list[int]:
    """The posts of the viewer's home feed, the newest first."""
    return sorted((post for post in truth.authors if _belongs(truth, viewer, post)), reverse=True)


def may_see(truth: Truth, viewer: int, post: int) -> bool:
    author = truth.authors[post]
    if author == viewer:
        return True
    if post in truth.pending or author in truth.inactive or _blocked(truth, viewer, author):
        return False
    follows = (viewer, author) in truth.follows
    if author in truth.private and not follows:
        return False
    match truth.audience(post):
        case Audience.PUBLIC:
            return True
        case Audience.FOLLOWERS:
            return follows
        case Audience.CLOSE_FRIENDS:
            return (author, viewer) in truth.close_friends


def _belongs(truth: Truth, viewer: int, post: int) -> bool:
    author = truth.authors[post]
    if author == viewer:
        return True
    if (viewer, author) in truth.mutes or not may_see(truth, viewer, post):
        return False
    return (viewer, author) in truth.follows or (_follows_a_tag(truth, viewer, post) and _is_for_all(truth, post))


def _follows_a_tag(truth: Truth, viewer: int, post: int) -> bool:
    return any((viewer, tag) in truth.followed_tags for tag in truth.tags.get(post, ()))


def _is_for_all(truth: Truth, post: int) -> bool:
    return truth.audience(post) is Audience.PUBLIC and truth.authors[post] not in truth.private


def _blocked(truth: Truth, one: int, other: int) -> bool:
    return (one, other) in truth.blocks or (other, one) in truth.blocks
