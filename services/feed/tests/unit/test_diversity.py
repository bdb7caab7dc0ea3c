"""No author fills the page while others have something of comparable worth."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from feed_service.model.ranking import spread
from feed_service.model.ranking.diversity import FALLING, WINDOW
from hypothesis import given
from hypothesis import strategies as st


@dataclass(frozen=True)
class Scored:
    post_id: int
    author_id: int
    score: float


SCORES = st.lists(st.tuples(st.integers(1, 6), st.floats(0, 4)), max_size=40)


def posts_of(drawn: Sequence[tuple[int, float]]) -> list[Scored]:
    return [Scored(number + 1, author, score) for number, (author, score) in enumerate(drawn)]


def by_hand(posts: Sequence[Scored]) -> list[Scored]:
    """The definition, in the dumbest way."""
    left, placed = list(posts), list[Scored]()

    def worth(post: Scored) -> tuple[float, float, int]:
        beside = sum(one.author_id == post.author_id for one in placed[-WINDOW:])
        return post.score * FALLING**beside, post.score, post.post_id

    while left:
        placed.append(max(left, key=worth))
        left.remove(placed[-1])
    return placed


@given(SCORES)
def test_each_place_goes_to_the_post_that_is_worth_the_most_there(drawn: Sequence[tuple[int, float]]) -> None:
    assert spread(posts_of(drawn)) == by_hand(posts_of(drawn))


@given(SCORES, st.randoms(use_true_random=False))
def test_the_order_in_which_posts_come_makes_no_difference(
    drawn: Sequence[tuple[int, float]], shuffler: random.Random
) -> None:
    posts = posts_of(drawn)
    shuffled = posts.copy()
    shuffler.shuffle(shuffled)
    assert spread(shuffled) == spread(posts)


@given(SCORES)
def test_three_of_one_author_in_a_row_means_that_nobody_else_has_anything_comparable(
    drawn: Sequence[tuple[int, float]],
) -> None:
    placed = spread(posts_of(drawn))
    for at in range(2, len(placed)):
        row, before = placed[at - 2 : at + 1], placed[max(0, at - WINDOW) : at]
        if len({one.author_id for one in row}) == 1:
            crowd = {one.author_id for one in before}
            others = [one for one in placed[at + 1 :] if one.author_id not in crowd]
            assert all(one.score <= row[-1].score * FALLING**2 for one in others)


@given(SCORES)
def test_one_authors_posts_keep_their_order(drawn: Sequence[tuple[int, float]]) -> None:
    placed = spread(posts_of(drawn))
    for author in {one.author_id for one in placed}:
        scores = [one.score for one in placed if one.author_id == author]
        assert scores == sorted(scores, reverse=True)


def test_an_author_with_many_good_posts_lets_others_in_between() -> None:
    many = [Scored(number, 1, 2.0 - number / 100) for number in range(1, 11)]
    few = [Scored(number, number, 1.0) for number in range(20, 25)]
    first = [post.author_id for post in spread([*many, *few])[:4]]
    assert first[:2] == [1, 1]
    assert set(first[2:]) & {post.author_id for post in few}
