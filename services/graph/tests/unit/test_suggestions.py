"""Whom to suggest first."""

from graph_service.model.suggestions import Candidate, ranked


def candidate(user_id: int, mutual: int, followers: int) -> Candidate:
    return Candidate(user_id, mutual, (), followers)


def order(*candidates: Candidate, size: int = 10) -> list[int]:
    return [each.user_id for each in ranked(candidates, size)]


def test_more_mutual_accounts_come_first():
    assert order(candidate(1, 2, 100), candidate(2, 5, 100), candidate(3, 3, 100)) == [2, 3, 1]


def test_an_account_that_everybody_follows_needs_more_of_them():
    star = candidate(1, 6, 1_000_000)

    assert order(star, candidate(2, 2, 10)) == [2, 1]
    assert order(star, candidate(2, 1, 10)) == [1, 2]


def test_of_equal_ones_the_newest_account_comes_first_and_only_so_many_come():
    assert order(candidate(1, 1, 5), candidate(3, 1, 5), candidate(2, 1, 5), size=2) == [3, 2]
