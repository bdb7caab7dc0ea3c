"""What may change between two accounts, and what the change is made of."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from graph_service import model
from graph_service.model import Account, Edge, Kind, Relation, Step
from kit.errors import DomainError, FailedPrecondition, InvalidArgument, NotFound, Unauthenticated

ANN, BEN = 1, 2
STRANGERS = Relation(BEN)
EVERYTHING = Relation(BEN, following=True, requested_by=True, followed_by=True, requested=True)


def test_a_public_account_is_followed_and_a_private_one_asked():
    assert model.follow(ANN, STRANGERS, private=False) == [Step(Kind.FOLLOWED, ANN, BEN)]
    assert model.follow(ANN, STRANGERS, private=True) == [Step(Kind.REQUESTED, ANN, BEN)]


def test_who_asked_follows_once_the_account_is_public():
    asked = replace(STRANGERS, requested=True)

    assert model.follow(ANN, asked, private=False) == [Step(Kind.FOLLOWED, ANN, BEN)]


@pytest.mark.parametrize("private", [True, False])
def test_a_follower_stays_one_when_the_account_turns_private(private: bool):
    assert model.follow(ANN, replace(STRANGERS, following=True), private=private) == []


def test_asking_twice_is_asking_once():
    assert model.follow(ANN, replace(STRANGERS, requested=True), private=True) == []


def test_who_is_blocked_finds_nobody_to_follow_even_when_they_block_too():
    for relation in (Relation(BEN, blocked_by=True), Relation(BEN, blocked_by=True, blocking=True)):
        with pytest.raises(NotFound) as caught:
            model.follow(ANN, relation, private=False)
        assert caught.value.reason == "USER_NOT_FOUND"


def test_whom_one_blocks_one_cannot_follow():
    with pytest.raises(FailedPrecondition) as caught:
        model.follow(ANN, Relation(BEN, blocking=True), private=False)
    assert caught.value.reason == "BLOCKED_BY_VIEWER"


def test_unfollowing_withdraws_a_request_too():
    assert model.unfollow(ANN, replace(STRANGERS, following=True)) == [Step(Kind.UNFOLLOWED, ANN, BEN)]
    assert model.unfollow(ANN, replace(STRANGERS, requested=True)) == [Step(Kind.WITHDRAWN, ANN, BEN)]
    assert model.unfollow(ANN, STRANGERS) == []


def test_a_request_can_be_accepted_once_or_rejected():
    asked = replace(STRANGERS, requested_by=True)

    assert model.accept(ANN, asked) == [Step(Kind.FOLLOWED, BEN, ANN)]
    assert model.accept(ANN, replace(STRANGERS, followed_by=True)) == []
    assert model.reject(ANN, asked) == [Step(Kind.WITHDRAWN, BEN, ANN)]
    assert model.reject(ANN, STRANGERS) == []


def test_nobody_follows_who_did_not_ask():
    with pytest.raises(NotFound) as caught:
        model.accept(ANN, STRANGERS)
    assert caught.value.reason == "FOLLOW_REQUEST_NOT_FOUND"


def test_removing_a_follower_leaves_ones_own_follow():
    assert model.remove_follower(ANN, EVERYTHING) == [Step(Kind.UNFOLLOWED, BEN, ANN)]
    assert model.remove_follower(ANN, STRANGERS) == []


def test_a_block_cuts_everything_both_ways_before_it_is_told():
    assert model.block(ANN, EVERYTHING) == [
        Step(Kind.UNFOLLOWED, ANN, BEN),
        Step(Kind.WITHDRAWN, ANN, BEN),
        Step(Kind.UNFOLLOWED, BEN, ANN),
        Step(Kind.WITHDRAWN, BEN, ANN),
        Step(Kind.BLOCKED, ANN, BEN),
    ]


def test_a_block_leaves_the_mute():
    assert model.block(ANN, Relation(BEN, muting=True)) == [Step(Kind.BLOCKED, ANN, BEN)]


def test_who_is_blocked_may_block_back_but_not_mute():
    blocked = Relation(BEN, blocked_by=True)

    assert model.block(ANN, blocked) == [Step(Kind.BLOCKED, ANN, BEN)]
    with pytest.raises(NotFound):
        model.mute(ANN, blocked)


@pytest.mark.parametrize(
    ("decide", "done"),
    [
        (model.block, Relation(BEN, blocking=True)),
        (model.unblock, STRANGERS),
        (model.mute, Relation(BEN, muting=True)),
        (model.unmute, STRANGERS),
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
    model.check_lists_visible(viewer, Account(BEN, private), relation)


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
        model.check_lists_visible(ANN, owner, relation)
    assert caught.value.reason == "USER_NOT_FOUND"


@pytest.mark.parametrize(
    ("viewer", "user", "error"),
    [(0, BEN, Unauthenticated), (ANN, ANN, InvalidArgument), (ANN, 0, NotFound), (ANN, -5, NotFound)],
)
def test_a_pair_is_two_accounts(viewer: int, user: int, error: type[DomainError]):
    with pytest.raises(error):
        model.check_pair(viewer, user)


@pytest.mark.parametrize("token", ["x", "0", "-1", " 5", "5 ", "05", "9" * 19, "٥", "1e3"])
def test_a_page_token_of_no_page_is_refused(token: str):
    with pytest.raises(InvalidArgument) as caught:
        model.before_of(token)
    assert caught.value.reason == "BAD_PAGE_TOKEN"


def test_a_page_says_where_the_next_one_begins_only_if_there_is_one():
    edges = [Edge(30, 3), Edge(20, 2), Edge(10, 1)]

    assert model.page_of(edges, 2) == model.Page(edges[:2], "2")
    assert model.page_of(edges, 3) == model.Page(edges, "")
    assert model.page_of([], 3) == model.Page([], "")
    assert model.before_of(model.page_of(edges, 2).next_token) == 2


def test_only_follows_are_counted():
    assert model.counted(Step(Kind.FOLLOWED, ANN, BEN)) == [(ANN, "following", 1), (BEN, "followers", 1)]
    assert model.counted(Step(Kind.UNFOLLOWED, ANN, BEN)) == [(ANN, "following", -1), (BEN, "followers", -1)]
    assert [model.counted(Step(kind, ANN, BEN)) for kind in Kind if "FOLLOWED" not in kind.name] == [[]] * 6
