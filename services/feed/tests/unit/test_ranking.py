"""What counts for a post, and for how much."""

import math
from dataclasses import replace
from datetime import timedelta

import pytest
from feed_service.model.ranking import (
    FEATURES,
    WEIGHTS,
    Features,
    PostFacts,
    ViewerFacts,
    cell_of,
    interests_of,
    mark_of,
    measure,
    parts_of,
    rank,
    score_of,
)
from feed_service.model.ranking.interests import Interaction
from hypothesis import given
from hypothesis import strategies as st
from kit.ids import first_at

from services.feed.tests.fakes import START

VIEWER, ANN, BOB, CID = 1, 2, 3, 4
ANYTHING = st.floats(allow_nan=True, allow_infinity=True)
MEASURES = st.builds(Features, **dict.fromkeys(FEATURES, ANYTHING))
USUAL = st.builds(Features, **{name: st.floats(0, 1e6) for name in FEATURES})
RISING = [name for name in FEATURES if name not in ("recency", "seen")]


@given(MEASURES)
def test_every_score_is_a_number_that_is_not_negative(features: Features) -> None:
    score = score_of(features)
    assert math.isfinite(score)
    assert score >= 0


@given(MEASURES)
def test_what_counted_adds_up_to_the_score(features: Features) -> None:
    parts = parts_of(features)
    assert set(parts) == set(FEATURES)
    assert math.isclose(sum(parts.values()), score_of(features), abs_tol=1e-9)
    assert all(part >= 0 for name, part in parts.items() if name != "seen")
    assert parts["seen"] <= 0


@pytest.mark.parametrize("name", RISING)
@given(features=USUAL, more=st.floats(0, 1e6))
def test_more_of_a_feature_never_lowers_a_post(name: str, features: Features, more: float) -> None:
    assert score_of(replace(features, **{name: getattr(features, name) + more})) >= score_of(features)


@pytest.mark.parametrize("name", ["recency", "seen"])
@given(features=USUAL, more=st.floats(0, 1e6))
def test_age_and_having_been_seen_never_raise_a_post(name: str, features: Features, more: float) -> None:
    assert score_of(replace(features, **{name: getattr(features, name) + more})) <= score_of(features)


@pytest.mark.parametrize("name", RISING)
def test_every_feature_counts_and_half_of_it_is_where_the_weights_say(name: str) -> None:
    nothing, weight = Features(recency=1e9), getattr(WEIGHTS, name)
    assert score_of(nothing) == pytest.approx(0)
    assert score_of(replace(nothing, **{name: weight.half})) == pytest.approx(weight.most / 2)
    assert score_of(replace(nothing, **{name: 1e12})) < weight.most


def test_a_post_is_worth_half_after_the_half_life() -> None:
    assert score_of(Features()) == pytest.approx(WEIGHTS.recency.most)
    assert score_of(Features(recency=18)) == pytest.approx(WEIGHTS.recency.most / 2)


def post(hours: float = 0, author: int = ANN, **facts: object) -> PostFacts:
    return PostFacts(first_at(START - timedelta(hours=hours)), author, **facts)  # pyright: ignore[reportArgumentType]


def liked(
    days: float, author: int, *tags: str, points: float = 1, at: tuple[float, float] | None = None
) -> Interaction:
    change = first_at(START - timedelta(days=days))
    return Interaction(change, points, mark_of(VIEWER, author), tags, cell_of(*at) if at else None)


def test_what_is_measured_is_the_viewers_own() -> None:
    interests = interests_of([liked(0, ANN, "dusk", at=(52.55, 13.25)), liked(30, ANN, "dusk")], START)
    viewer = ViewerFacts(VIEWER, interests, frozenset({"sea"}), frozenset({ANN, BOB}), frozenset())
    found = measure(
        post(2, likes=3, comments=4, tags=("dusk", "sea"), cell=cell_of(52.56, 13.26), commenters=(BOB, CID)),
        viewer,
        START,
    )
    assert found == Features(2, 3, 4, 1.5, 1, 1, 4.5, 0)
    assert measure(post(author=CID), viewer, START) == Features()


def test_neither_the_viewer_nor_the_author_are_known_commenters() -> None:
    viewer = ViewerFacts(VIEWER, known=frozenset({VIEWER, ANN, BOB}))
    assert measure(post(commenters=(VIEWER, ANN)), viewer, START).known_commenters == 0


def test_missing_and_impossible_facts_count_as_nothing() -> None:
    assert measure(post(-5, likes=-3, comments=-1), ViewerFacts(VIEWER), START) == Features()
    assert cell_of(91, 0) is None
    assert cell_of(math.nan, 0) is None
    assert cell_of(0, math.inf) is None


def test_a_post_gains_nothing_by_having_every_tag() -> None:
    tags = [f"t{number}" for number in range(30)]
    viewer = ViewerFacts(VIEWER, followed_tags=frozenset(tags))
    assert measure(post(tags=tags), viewer, START).tags == measure(post(tags=tags[:3]), viewer, START).tags


def test_interests_fade_and_what_was_undone_or_came_later_does_not_count() -> None:
    log = [liked(0, ANN), liked(60, BOB), liked(0, CID, points=0), liked(-1, CID)]
    assert interests_of(log, START).authors == {mark_of(VIEWER, ANN): 1, mark_of(VIEWER, BOB): 0.25}


def test_places_reach_over_the_borders_of_their_cells() -> None:
    interests = interests_of([liked(0, ANN, at=(10.05, 179.95))], START)
    here, east, far = (cell_of(10.05, longitude) for longitude in (179.95, -179.95, -179.7))
    assert here
    assert east
    assert far
    assert [interests.near(cell) for cell in (here, east, far)] == [1, 0.5, 0]


def test_marks_of_authors_are_different_for_each_viewer() -> None:
    assert len({mark_of(viewer, author) for viewer in (1, 2) for author in (3, 4)}) == 4


def test_seen_posts_come_after_others_that_are_alike() -> None:
    old, new = post(2), post(1, author=BOB)
    fresh = rank([old, new], ViewerFacts(VIEWER), START)
    assert [one.post_id for one in fresh] == [new.post_id, old.post_id]
    seen = rank([old, new], ViewerFacts(VIEWER, seen=frozenset({new.post_id})), START)
    assert [one.post_id for one in seen] == [old.post_id, new.post_id]


def test_a_post_given_twice_is_ranked_once() -> None:
    assert len(rank([post(), post()], ViewerFacts(VIEWER), START)) == 1
