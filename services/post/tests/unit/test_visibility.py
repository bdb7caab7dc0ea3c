"""The whole truth table of the visibility rule, against a second, independent statement of it."""

import itertools
from datetime import UTC, datetime

import pytest
from post_service.model.visibility import (
    AccountState,
    AllowedBy,
    Audience,
    Demand,
    PostState,
    Profile,
    Relation,
    demand_of,
    may_list,
    may_meet,
    may_reach,
    may_see,
    open_to_all,
)

AUTHOR, VIEWER, NOBODY = 7, 8, 0


def author(*, private: bool = False, state: AccountState = AccountState.ACTIVE) -> Profile:
    born = datetime(2026, 1, 1, tzinfo=UTC)
    return Profile(AUTHOR, "ben", "Ben", "", "", "", "", "", private, state, born, 1)


RELATIONS = [Relation(*flags) for flags in itertools.product((False, True), repeat=3)]
STATES = list(itertools.product((False, True), AccountState, Audience, PostState))


@pytest.mark.parametrize(("private", "account", "audience", "state"), STATES)
@pytest.mark.parametrize("relation", RELATIONS)
def test_others_see_a_post_exactly_when_nothing_forbids_it(
    private: bool, account: AccountState, audience: Audience, state: PostState, relation: Relation
) -> None:
    forbidden = {
        "not published": state is not PostState.PUBLISHED,
        "account not active": account is not AccountState.ACTIVE,
        "blocked": relation.blocked,
        "private and no follower": private and not relation.following,
        "followers only": audience is Audience.FOLLOWERS and not relation.following,
        "close friends only": audience is Audience.CLOSE_FRIENDS and not relation.close_friend,
    }
    seen = may_see(VIEWER, author(private=private, state=account), relation, audience, state)
    assert seen is not any(forbidden.values()), forbidden


@pytest.mark.parametrize(("private", "account", "audience", "state"), STATES)
@pytest.mark.parametrize("relation", RELATIONS)
def test_a_demand_is_the_rule_with_the_viewer_left_out(
    private: bool, account: AccountState, audience: Audience, state: PostState, relation: Relation
) -> None:
    profile = author(private=private, state=account)
    demand = demand_of(profile, audience, state)
    hidden = state is PostState.PENDING or account is not AccountState.ACTIVE
    wanted = Demand(hidden, private or audience is Audience.FOLLOWERS, audience is Audience.CLOSE_FRIENDS)
    assert demand == (None if state is PostState.DELETED else wanted)
    for viewer, own in ((VIEWER, False), (NOBODY, False), (AUTHOR, True)):
        seen = demand is not None and demand.met_by(relation, own=own)
        assert seen is may_see(viewer, profile, relation, audience, state)


@pytest.mark.parametrize(("private", "account", "audience", "state"), STATES)
def test_authors_see_all_of_their_own_that_is_not_deleted(
    private: bool, account: AccountState, audience: Audience, state: PostState
) -> None:
    seen = may_see(AUTHOR, author(private=private, state=account), Relation(), audience, state)
    assert seen is (state is not PostState.DELETED)


@pytest.mark.parametrize(("private", "account", "audience", "state"), STATES)
def test_anonymous_viewers_see_published_public_posts_of_active_public_accounts(
    private: bool, account: AccountState, audience: Audience, state: PostState
) -> None:
    profile = author(private=private, state=account)
    public = not private and audience is Audience.PUBLIC and account is AccountState.ACTIVE
    assert may_see(NOBODY, profile, Relation(), audience, state) is (public and state is PostState.PUBLISHED)
    assert open_to_all(profile, audience) is public


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize("private", [False, True])
def test_whoever_may_see_a_post_may_list_its_author(private: bool, relation: Relation) -> None:
    profile = author(private=private)
    for audience in Audience:
        if may_see(VIEWER, profile, relation, audience, PostState.PUBLISHED):
            assert may_list(VIEWER, profile, relation)
    assert may_list(AUTHOR, profile, relation)


@pytest.mark.parametrize("account", list(AccountState))
@pytest.mark.parametrize("relation", RELATIONS)
def test_people_meet_unless_one_blocks_the_other_or_is_gone(account: AccountState, relation: Relation) -> None:
    gone = account is not AccountState.ACTIVE
    assert may_meet(VIEWER, author(state=account), relation) is not (gone or relation.blocked)
    assert may_meet(AUTHOR, author(state=account), relation)


@pytest.mark.parametrize(
    "relation", [Relation(following=one, followed_by=two) for one, two in itertools.product((False, True), repeat=2)]
)
def test_a_door_lets_in_whom_it_names_and_its_owner(relation: Relation) -> None:
    other = author()
    let_in = {door for door in AllowedBy if may_reach(VIEWER, other, relation, door)}
    wanted = {AllowedBy.EVERYONE}
    wanted |= {AllowedBy.FOLLOWERS} if relation.following else set()
    wanted |= {AllowedBy.FOLLOWING} if relation.followed_by else set()
    assert let_in == wanted
    assert all(may_reach(AUTHOR, other, relation, door) for door in AllowedBy)
