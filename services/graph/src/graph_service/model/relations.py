"""Two accounts, how they stand to each other, and the steps that change it."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import Enum


@dataclass(frozen=True)
class Account:
    """An active account, as the user service knows it; `version` grows with every change of it."""

    id: int
    private: bool
    version: int = 0


@dataclass(frozen=True)
class Relation:
    """How a viewer and the account `id` stand to each other. `muted_until` is None for a mute without an end. In the
    answer to a change, `changed` says whether there was anything to change."""

    id: int
    following: bool = False
    requested: bool = False
    followed_by: bool = False
    requested_by: bool = False
    blocking: bool = False
    blocked_by: bool = False
    muting: bool = False
    close_friend_of: bool = False
    close_friend: bool = False
    muted_until: datetime | None = None
    changed: bool = field(default=False, compare=False)

    @property
    def hidden(self) -> bool:
        """Whether a block lies between the two, either way."""
        return self.blocking or self.blocked_by

    def at(self, now: datetime) -> "Relation":
        """Without a mute that has ended."""
        if self.muted_until is None or self.muted_until > now:
            return self
        return replace(self, muting=False, muted_until=None)


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
    CLOSE_FRIEND_ADDED = "close_friend_added"
    CLOSE_FRIEND_REMOVED = "close_friend_removed"


@dataclass(frozen=True)
class Step:
    """A change that is to be made: `actor_id` follows, asks, blocks, mutes or prefers `target_id`, or no longer does.

    A follow fulfils the request that it answers; that has no event of its own. `until` is a mute's end.
    """

    kind: Kind
    actor_id: int
    target_id: int
    until: datetime | None = None


@dataclass(frozen=True)
class Change:
    """A step that was made. `id` orders the changes between the two."""

    step: Step
    id: int
    at: datetime


def counted(step: Step) -> list[tuple[int, str, int]]:
    """What a step adds to whose count: account, field, difference."""
    difference = {Kind.FOLLOWED: 1, Kind.UNFOLLOWED: -1}.get(step.kind)
    if difference is None:
        return []
    return [(step.actor_id, "following", difference), (step.target_id, "followers", difference)]
