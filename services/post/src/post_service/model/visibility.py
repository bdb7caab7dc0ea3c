"""The visibility rule. Every read path applies it; no other place decides who sees a post."""

import itertools
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


@dataclass(frozen=True)
class Demand:
    """What a viewer must be to see a post, whoever they are: all that is set. A block hides it from everybody but its
    author."""

    author: bool = False
    follower: bool = False
    close_friend: bool = False

    def met_by(self, relation: Relation, *, own: bool) -> bool:
        """`own`: the viewer is the author."""
        if own:
            return True
        if self.author or relation.blocked:
            return False
        return (relation.following or not self.follower) and (relation.close_friend or not self.close_friend)


_DEMANDS = {flags: Demand(*flags) for flags in itertools.product((False, True), repeat=3)}


def demand_of(author: Profile, audience: Audience, state: PostState) -> Demand | None:
    """The rule with the viewer left out. None when nobody may see the post.

    Authors see all of their own that is not deleted. For others a private account and an audience add up.
    """
    if state is PostState.DELETED:
        return None
    hidden = state is not PostState.PUBLISHED or author.state is not AccountState.ACTIVE
    follower = author.private_account or audience is Audience.FOLLOWERS
    return _DEMANDS[hidden, follower, audience is Audience.CLOSE_FRIENDS]


def may_see(viewer_id: int, author: Profile, relation: Relation, audience: Audience, state: PostState) -> bool:
    """Whether the viewer (0: anonymous) may know that the post exists."""
    demand = demand_of(author, audience, state)
    return demand is not None and demand.met_by(relation, own=viewer_id == author.id)


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
