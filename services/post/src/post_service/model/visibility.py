"""The visibility rule. Every read path applies it; no other place decides who sees a post."""

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum

ANONYMOUS = 0


class Audience(IntEnum):
    PUBLIC = 1
    FOLLOWERS = 2
    CLOSE_FRIENDS = 3


class PostState(IntEnum):
    PENDING = 0
    """Some of its media is not ready."""
    PUBLISHED = 1
    DELETED = 2


class AccountState(IntEnum):
    ACTIVE = 1
    SUSPENDED = 2
    DELETED = 3


class AllowedBy(IntEnum):
    """Whom an account lets do something: FOLLOWERS follow it, FOLLOWING are those it follows."""

    EVERYONE = 1
    FOLLOWERS = 2
    FOLLOWING = 3
    NOBODY = 4


@dataclass(frozen=True)
class Profile:
    """An account as the user service tells of it."""

    id: int
    username: str
    name: str
    bio: str
    website: str
    location: str
    pronouns: str
    avatar_key: str
    private_account: bool
    state: AccountState
    created_at: datetime
    version: int
    comments_from: AllowedBy = AllowedBy.EVERYONE
    mentions_from: AllowedBy = AllowedBy.EVERYONE
    unlisted: bool = False


@dataclass(frozen=True)
class Relation:
    """How a viewer stands to an author."""

    following: bool = False
    blocked: bool = False
    """In either direction."""
    close_friend: bool = False
    """The author counts the viewer among their close friends."""
    followed_by: bool = False
    """The author follows the viewer."""


STRANGER = Relation()


def may_see(viewer_id: int, author: Profile, relation: Relation, audience: Audience, state: PostState) -> bool:
    """Whether the viewer (0: anonymous) may know that the post exists.

    Authors see all of their own that is not deleted. For others a private account and an audience add up: each of the
    demands must be met.
    """
    if state is PostState.DELETED:
        return False
    if viewer_id == author.id:
        return True
    if state is PostState.PENDING or not may_meet(viewer_id, author, relation):
        return False
    if author.private_account and not relation.following:
        return False
    if audience is Audience.PUBLIC:
        return True
    return relation.following if audience is Audience.FOLLOWERS else relation.close_friend


def may_meet(viewer_id: int, other: Profile, relation: Relation) -> bool:
    """Whether the viewer may see that the other liked or commented where the viewer may look."""
    return viewer_id == other.id or (other.state is AccountState.ACTIVE and not relation.blocked)


def may_reach(viewer_id: int, other: Profile, relation: Relation, door: AllowedBy) -> bool:
    """Whether the viewer is among those for whom the other keeps this door open; one's own are always."""
    if viewer_id == other.id or door is AllowedBy.EVERYONE:
        return True
    if door is AllowedBy.FOLLOWERS:
        return relation.following
    return door is AllowedBy.FOLLOWING and relation.followed_by


def may_list(viewer_id: int, author: Profile, relation: Relation) -> bool:
    """Whether the viewer may know that the author has a list of posts."""
    if viewer_id == author.id:
        return True
    return may_meet(viewer_id, author, relation) and (relation.following or not author.private_account)


def open_to_all(author: Profile, audience: Audience) -> bool:
    """Whether an anonymous viewer may see the author's posts of this audience: decides where their files are stored."""
    return audience is Audience.PUBLIC and shown_to_all(author)


def shown_to_all(author: Profile) -> bool:
    """Whether an anonymous viewer may see the author's public posts. Files of an account that is suspended or about to
    be erased are none of the public's; they come back with it."""
    return author.state is AccountState.ACTIVE and not author.private_account
