"""What may change between two accounts."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from graph_service.model import rules
from graph_service.model.relations import Account, Kind, Relation, Step, counted
from kit.errors import DomainError, FailedPrecondition, InvalidArgument, NotFound, Unauthenticated

ANN, BEN = 1, 2
STRANGERS = Relation(BEN)
EVERYTHING = Relation(
    BEN, following=True, requested_by=True, followed_by=True, requested=True, close_friend=True, close_friend_of=True
)
ROOM = rules.Room(following=7, most=8)
LATER = datetime(2026, 1, 2, tzinfo=UTC)


def test_a_public_account_is_followed_and_a_private_one_asked():
    assert rules.follow(ANN, STRANGERS, ROOM, private=False) == [Step(Kind.FOLLOWED, ANN, BEN)]
    assert rules.follow(ANN, STRANGERS, ROOM, private=True) == [Step(Kind.REQUESTED, ANN, BEN)]


def test_who_asked_follows_once_the_account_is_public():
    asked = replace(STRANGERS, requested=True)

    assert rules.follow(ANN, asked, ROOM, private=False) == [Step(Kind.FOLLOWED, ANN, BEN)]


@pytest.mark.parametrize("private", [True, False])
def test_a_follower_stays_one_when_the_account_turns_private(private: bool):
    assert rules.follow(ANN, replace(STRANGERS, following=True), ROOM, private=private) == []


def test_asking_twice_is_asking_once():
    assert rules.follow(ANN, replace(STRANGERS, requested=True), ROOM, private=True) == []


@pytest.mark.parametrize("private", [True, False])
def test_who_follows_too_many_follows_no_more_and_loses_none(private: bool):
    full = rules.Room(following=8, most=8)
    with pytest.raises(FailedPrecondition) as caught:
        rules.follow(ANN, STRANGERS, full, private=private)
    assert caught.value.reason == "TOO_MANY_FOLLOWS"
    assert rules.follow(ANN, replace(STRANGERS, following=True), full, private=private) == []


def test_who_is_blocked_finds_nobody_to_follow_even_when_they_block_too():
    for relation in (Relation(BEN, blocked_by=True), Relation(BEN, blocked_by=True, blocking=True)):
        with pytest.raises(NotFound) as caught:
            rules.follow(ANN, relation, ROOM, private=False)
        assert caught.value.reason == "USER_NOT_FOUND"


def test_whom_one_blocks_one_cannot_follow():
    with pytest.raises(FailedPrecondition) as caught:
        rules.follow(ANN, Relation(BEN, blocking=True), ROOM, private=False)
    assert caught.value.reason == "BLOCKED_BY_VIEWER"


def test_unfollowing_withdraws_a_request_too():
    assert rules.unfollow(ANN, replace(STRANGERS, following=True)) == [Step(Kind.UNFOLLOWED, ANN, BEN)]
    assert rules.unfollow(ANN, replace(STRANGERS, requested=True)) == [Step(Kind.WITHDRAWN, ANN, BEN)]
    assert rules.unfollow(ANN, STRANGERS) == []


def test_a_request_can_be_accepted_once_or_rejected():
    asked = replace(STRANGERS, requested_by=True)

    assert rules.accept(ANN, asked) == [Step(Kind.FOLLOWED, BEN, ANN)]
    assert rules.accept(ANN, replace(STRANGERS, followed_by=True)) == []
    assert rules.reject(ANN, asked) == [Step(Kind.WITHDRAWN, BEN, ANN)]
    assert rules.reject(ANN, STRANGERS) == []


def test_nobody_follows_who_did_not_ask():
    with pytest.raises(NotFound) as caught:
        rules.accept(ANN, STRANGERS)
    assert caught.value.reason == "FOLLOW_REQUEST_NOT_FOUND"


def test_removing_a_follower_leaves_ones_own_follow():
    assert rules.remove_follower(ANN, EVERYTHING) == [Step(Kind.UNFOLLOWED, BEN, ANN)]
    assert rules.remove_follower(ANN, STRANGERS) == []


def test_a_block_cuts_everything_both_ways_before_it_is_told():
    assert rules.block(ANN, EVERYTHING) == [
        Step(Kind.UNFOLLOWED, ANN, BEN),
        Step(Kind.WITHDRAWN, ANN, BEN),
        Step(Kind.UNFOLLOWED, BEN, ANN),
        Step(Kind.WITHDRAWN, BEN, ANN),
        Step(Kind.CLOSE_FRIEND_REMOVED, ANN, BEN),
        Step(Kind.CLOSE_FRIEND_REMOVED, BEN, ANN),
        Step(Kind.BLOCKED, ANN, BEN),
    ]


def test_a_block_leaves_the_mute():
    assert rules.block(ANN, Relation(BEN, muting=True)) == [Step(Kind.BLOCKED, ANN, BEN)]


def test_who_is_blocked_may_block_back_but_not_mute():
    blocked = Relation(BEN, blocked_by=True)

    assert rules.block(ANN, blocked) == [Step(Kind.BLOCKED, ANN, BEN)]
    with pytest.raises(NotFound):
        rules.mute(ANN, blocked)


def test_a_mute_can_get_another_end_or_none_even_across_a_block():
    muted = Relation(BEN, muting=True, blocked_by=True, muted_until=LATER)

    assert rules.mute(ANN, muted, LATER) == []
    assert rules.mute(ANN, muted) == [Step(Kind.MUTED, ANN, BEN)]
    assert rules.mute(ANN, STRANGERS, LATER) == [Step(Kind.MUTED, ANN, BEN, LATER)]


def test_a_mute_ends_at_its_end_and_takes_nothing_along():
    muted = Relation(BEN, following=True, muting=True, muted_until=LATER)

    assert muted.at(LATER - timedelta(milliseconds=1)) == muted
    assert muted.at(LATER) == Relation(BEN, following=True)
    assert Relation(BEN, muting=True).at(LATER) == Relation(BEN, muting=True)


def test_a_close_friend_need_not_follow_but_must_be_in_sight():
    assert rules.add_close_friend(ANN, STRANGERS) == [Step(Kind.CLOSE_FRIEND_ADDED, ANN, BEN)]
    assert rules.remove_close_friend(ANN, EVERYTHING) == [Step(Kind.CLOSE_FRIEND_REMOVED, ANN, BEN)]
    with pytest.raises(NotFound):
        rules.add_close_friend(ANN, Relation(BEN, blocked_by=True, blocking=True))
    with pytest.raises(FailedPrecondition):
        rules.add_close_friend(ANN, Relation(BEN, blocking=True))


@pytest.mark.parametrize(
    ("decide", "done"),
    [
        (rules.block, Relation(BEN, blocking=True)),
        (rules.unblock, STRANGERS),
        (rules.mute, Relation(BEN, muting=True)),
        (rules.unmute, STRANGERS),
        (rules.add_close_friend, Relation(BEN, close_friend=True)),
        (rules.remove_close_friend, STRANGERS),
    ],
)
def test_what_is_so_already_changes_nothing(decide: Callable[[int, Relation], list[Step]], done: Relation):
    assert decide(ANN, done) == []


@pytest.mark.parametrize(
    ("viewer", "private", "relation"),
    [
        (0, False, STRANGERS),
        (ANN, False, STRANGERS),
        (ANN, True, Relation(BEN, following=True)),
        (BEN, True, STRANGERS),
    ],
)
def test_lists_that_may_be_seen(viewer: int, private: bool, relation: Relation):
    rules.check_lists_visible(viewer, Account(BEN, private), relation)


@pytest.mark.parametrize(
    ("owner", "relation"),
    [
        (None, STRANGERS),
        (Account(BEN, private=True), STRANGERS),
        (Account(BEN, private=True), Relation(BEN, requested=True, followed_by=True)),
        (Account(BEN, private=False), Relation(BEN, blocked_by=True)),
        (Account(BEN, private=False), Relation(BEN, blocking=True)),
    ],
)
def test_lists_that_are_not_there(owner: Account | None, relation: Relation):
    with pytest.raises(NotFound) as caught:
        rules.check_lists_visible(ANN, owner, relation)
    assert caught.value.reason == "USER_NOT_FOUND"


@pytest.mark.parametrize(
    ("viewer", "user", "error"),
    [(0, BEN, Unauthenticated), (ANN, ANN, InvalidArgument), (ANN, 0, NotFound), (ANN, -5, NotFound)],
)
def test_a_pair_is_two_accounts(viewer: int, user: int, error: type[DomainError]):
    with pytest.raises(error):
        rules.check_pair(viewer, user)


def test_only_follows_are_counted():
    assert counted(Step(Kind.FOLLOWED, ANN, BEN)) == [(ANN, "following", 1), (BEN, "followers", 1)]
    assert counted(Step(Kind.UNFOLLOWED, ANN, BEN)) == [(ANN, "following", -1), (BEN, "followers", -1)]
    assert [counted(Step(kind, ANN, BEN)) for kind in Kind if "FOLLOWED" not in kind.name] == [[]] * 8
