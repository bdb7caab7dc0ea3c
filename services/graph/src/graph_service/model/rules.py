"""What may change between a viewer and another account, given how they stand to each other."""

from dataclasses import dataclass
from datetime import datetime

from graph_service.model import errors
from graph_service.model.relations import Account, Kind, Relation, Step


@dataclass(frozen=True)
class Room:
    """How many accounts the viewer follows, and may follow at most. Reads of feeds look at all of them."""

    following: int
    most: int

    def check(self) -> None:
        """Raises FailedPrecondition TOO_MANY_FOLLOWS when one more is too many."""
        if self.following >= self.most:
            raise errors.too_many_follows(self.most)


def follow(viewer_id: int, relation: Relation, room: Room, *, private: bool) -> list[Step]:
    """Raises NotFound when the target blocks the viewer, FailedPrecondition when the viewer blocks the target, or
    follows too many."""
    _check_no_block(relation)
    if relation.following or (relation.requested and private):
        return []
    room.check()
    return [Step(Kind.REQUESTED if private else Kind.FOLLOWED, viewer_id, relation.id)]


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
        raise errors.no_such_request()
    return [Step(Kind.FOLLOWED, relation.id, viewer_id)]


def reject(viewer_id: int, relation: Relation) -> list[Step]:
    return _leave(relation.id, viewer_id, following=False, requested=relation.requested_by)


def block(viewer_id: int, relation: Relation) -> list[Step]:
    """Cuts what is between the two, both ways. Who is blocked may block back."""
    if relation.blocking:
        return []
    return [
        *_leave(viewer_id, relation.id, following=relation.following, requested=relation.requested),
        *_leave(relation.id, viewer_id, following=relation.followed_by, requested=relation.requested_by),
        *remove_close_friend(viewer_id, relation),
        *([Step(Kind.CLOSE_FRIEND_REMOVED, relation.id, viewer_id)] if relation.close_friend_of else []),
        Step(Kind.BLOCKED, viewer_id, relation.id),
    ]


def unblock(viewer_id: int, relation: Relation) -> list[Step]:
    return [Step(Kind.UNBLOCKED, viewer_id, relation.id)] if relation.blocking else []


def mute(viewer_id: int, relation: Relation, until: datetime | None = None) -> list[Step]:
    """Raises NotFound when the target blocks the viewer and is not muted already."""
    if relation.muting and relation.muted_until == until:
        return []
    if relation.blocked_by and not relation.muting:
        raise errors.user_not_found()
    return [Step(Kind.MUTED, viewer_id, relation.id, until)]


def unmute(viewer_id: int, relation: Relation) -> list[Step]:
    return [Step(Kind.UNMUTED, viewer_id, relation.id)] if relation.muting else []


def add_close_friend(viewer_id: int, relation: Relation) -> list[Step]:
    """Raises as follow does. Who does not follow may be one, too."""
    _check_no_block(relation)
    return [] if relation.close_friend else [Step(Kind.CLOSE_FRIEND_ADDED, viewer_id, relation.id)]


def remove_close_friend(viewer_id: int, relation: Relation) -> list[Step]:
    return [Step(Kind.CLOSE_FRIEND_REMOVED, viewer_id, relation.id)] if relation.close_friend else []


def sever(viewer_id: int, relation: Relation) -> list[Step]:
    """Ends whatever is between the two, whoever began it; mutes aside."""
    return [
        *_leave(viewer_id, relation.id, following=relation.following, requested=relation.requested),
        *_leave(relation.id, viewer_id, following=relation.followed_by, requested=relation.requested_by),
        *unblock(viewer_id, relation),
        *([Step(Kind.UNBLOCKED, relation.id, viewer_id)] if relation.blocked_by else []),
        *remove_close_friend(viewer_id, relation),
        *([Step(Kind.CLOSE_FRIEND_REMOVED, relation.id, viewer_id)] if relation.close_friend_of else []),
    ]


def check_lists_visible(viewer_id: int, owner: Account | None, relation: Relation) -> None:
    """Raises NotFound: what a viewer may not see is not there."""
    if owner is None or relation.hidden:
        raise errors.user_not_found()
    if owner.private and owner.id != viewer_id and not relation.following:
        raise errors.user_not_found()


def check_pair(viewer_id: int, user_id: int) -> None:
    """Raises Unauthenticated, InvalidArgument SELF_FOLLOW, or NotFound for what cannot be an account's id."""
    check_signed_in(viewer_id)
    if viewer_id == user_id:
        raise errors.own_account()
    if user_id <= 0:
        raise errors.user_not_found()


def check_signed_in(viewer_id: int) -> None:
    """Raises Unauthenticated."""
    if viewer_id <= 0:
        raise errors.signed_out()


def _check_no_block(relation: Relation) -> None:
    if relation.blocked_by:
        raise errors.user_not_found()
    if relation.blocking:
        raise errors.blocked_by_viewer()


def _leave(follower_id: int, followee_id: int, *, following: bool, requested: bool) -> list[Step]:
    kinds = [kind for kind, held in ((Kind.UNFOLLOWED, following), (Kind.WITHDRAWN, requested)) if held]
    return [Step(kind, follower_id, followee_id) for kind in kinds]
