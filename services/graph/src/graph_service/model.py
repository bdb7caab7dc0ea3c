"""Who stands how to whom, and what may change about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from kit import ids
from kit.errors import FailedPrecondition, InvalidArgument, NotFound, Unauthenticated

MAX_IDS = 200
FIRST_PAGE = (1 << 63) - 1
"""Sorts after every id: lists go from new to old."""


@dataclass(frozen=True)
class Account:
    """An active account, as the user service knows it; `version` grows with every change of it."""

    id: int
    private: bool
    version: int = 0


@dataclass(frozen=True)
class Relation:
    """How a viewer and the account `id` stand to each other."""

    id: int
    following: bool = False
    requested: bool = False
    followed_by: bool = False
    requested_by: bool = False
    blocking: bool = False
    blocked_by: bool = False
    muting: bool = False
    close_friend_of: bool = False

    @property
    def hidden(self) -> bool:
        """Whether a block lies between the two, either way."""
        return self.blocking or self.blocked_by


class Kind(Enum):
    """What can happen between two accounts; the value is the event's name."""

    FOLLOWED = "followed"
    UNFOLLOWED = "unfollowed"
    REQUESTED = "follow_requested"
    WITHDRAWN = "follow_request_withdrawn"
    BLOCKED = "blocked"
    UNBLOCKED = "unblocked"
    MUTED = "muted"
    UNMUTED = "unmuted"


@dataclass(frozen=True)
class Step:
    """A change that is to be made: `actor_id` follows, asks, blocks or mutes `target_id`, or no longer does.

    A follow fulfils the request that it answers; that has no event of its own.
    """

    kind: Kind
    actor_id: int
    target_id: int


@dataclass(frozen=True)
class Change:
    """A step that was made. `id` orders the changes between the two."""

    step: Step
    id: int
    at: datetime


@dataclass(frozen=True)
class Edge:
    """One account of a list; `id` is the change that put it there."""

    user_id: int
    id: int

    @property
    def created_at(self) -> datetime:
        return ids.time_of(self.id)


@dataclass(frozen=True)
class Page:
    """`next_token` is empty at the end."""

    edges: Sequence[Edge]
    next_token: str


@dataclass(frozen=True)
class Counts:
    """`id` is the account's."""

    id: int
    followers: int
    following: int


def follow(viewer_id: int, relation: Relation, *, private: bool) -> list[Step]:
    """Raises NotFound when the target blocks the viewer, FailedPrecondition when the viewer blocks the target."""
    if relation.blocked_by:
        raise user_not_found()
    if relation.blocking:
        raise FailedPrecondition("BLOCKED_BY_VIEWER", "you block this account: unblock it first")
    if relation.following or (relation.requested and private):
        return []
    if private:
        return [Step(Kind.REQUESTED, viewer_id, relation.id)]
    return [Step(Kind.FOLLOWED, viewer_id, relation.id)]


def unfollow(viewer_id: int, relation: Relation) -> list[Step]:
    """Also withdraws a request."""
    return _leave(viewer_id, relation.id, following=relation.following, requested=relation.requested)


def remove_follower(viewer_id: int, relation: Relation) -> list[Step]:
    return _leave(relation.id, viewer_id, following=relation.followed_by, requested=False)


def accept(viewer_id: int, relation: Relation) -> list[Step]:
    """Raises NotFound when nobody asked. Accepting twice is accepting once."""
    if relation.followed_by:
        return []
    if not relation.requested_by:
        raise NotFound("FOLLOW_REQUEST_NOT_FOUND", "there is no such follow request")
    return [Step(Kind.FOLLOWED, relation.id, viewer_id)]


def accept_if_asked(viewer_id: int, relation: Relation) -> list[Step]:
    return accept(viewer_id, relation) if relation.requested_by else []


def reject(viewer_id: int, relation: Relation) -> list[Step]:
    return _leave(relation.id, viewer_id, following=False, requested=relation.requested_by)


def block(viewer_id: int, relation: Relation) -> list[Step]:
    """Cuts what is between the two, both ways. Who is blocked may block back."""
    if relation.blocking:
        return []
    return [
        *_leave(viewer_id, relation.id, following=relation.following, requested=relation.requested),
        *_leave(relation.id, viewer_id, following=relation.followed_by, requested=relation.requested_by),
        Step(Kind.BLOCKED, viewer_id, relation.id),
    ]


def unblock(viewer_id: int, relation: Relation) -> list[Step]:
    return [Step(Kind.UNBLOCKED, viewer_id, relation.id)] if relation.blocking else []


def mute(viewer_id: int, relation: Relation) -> list[Step]:
    """Raises NotFound when the target blocks the viewer and is not muted already."""
    if relation.muting:
        return []
    if relation.blocked_by:
        raise user_not_found()
    return [Step(Kind.MUTED, viewer_id, relation.id)]


def unmute(viewer_id: int, relation: Relation) -> list[Step]:
    return [Step(Kind.UNMUTED, viewer_id, relation.id)] if relation.muting else []


def check_lists_visible(viewer_id: int, owner: Account | None, relation: Relation) -> None:
    """Raises NotFound: what a viewer may not see is not there."""
    if owner is None or relation.hidden:
        raise user_not_found()
    if owner.private and owner.id != viewer_id and not relation.following:
        raise user_not_found()


def check_pair(viewer_id: int, user_id: int) -> None:
    """Raises Unauthenticated, InvalidArgument SELF_FOLLOW, or NotFound for what cannot be an account's id."""
    if viewer_id <= 0:
        raise signed_out()
    if viewer_id == user_id:
        raise InvalidArgument("SELF_FOLLOW", "that is your own account")
    if user_id <= 0:
        raise user_not_found()


def check_batch(wanted: Sequence[int]) -> None:
    if len(wanted) > MAX_IDS:
        raise InvalidArgument("TOO_MANY_IDS", f"at most {MAX_IDS} ids at once")


def before_of(token: str) -> int:
    """The id that the page's edges come before. Raises InvalidArgument BAD_PAGE_TOKEN."""
    if not token:
        return FIRST_PAGE
    try:
        return ids.parse(token)
    except InvalidArgument:
        raise InvalidArgument("BAD_PAGE_TOKEN", "the page token is not one of this list") from None


def page_of(edges: Sequence[Edge], size: int) -> Page:
    """The first `size` of the edges; that there are more of them says that there is a next page."""
    more = len(edges) > size
    return Page(edges[:size], str(edges[size - 1].id) if more else "")


def counted(step: Step) -> list[tuple[int, str, int]]:
    """What a step adds to whose count: account, field, difference."""
    difference = {Kind.FOLLOWED: 1, Kind.UNFOLLOWED: -1}.get(step.kind)
    if difference is None:
        return []
    return [(step.actor_id, "following", difference), (step.target_id, "followers", difference)]


def user_not_found() -> NotFound:
    return NotFound("USER_NOT_FOUND", "there is no such user")


def signed_out() -> Unauthenticated:
    return Unauthenticated("UNAUTHENTICATED", "log in first")


def _leave(follower_id: int, followee_id: int, *, following: bool, requested: bool) -> list[Step]:
    kinds = [kind for kind, held in ((Kind.UNFOLLOWED, following), (Kind.WITHDRAWN, requested)) if held]
    return [Step(kind, follower_id, followee_id) for kind in kinds]
