"""Tokens of the ranked feed."""

from datetime import timedelta

import pytest
from feed_service.model import TOP
from feed_service.model.ranking.tokens import MOST_MARKS, Ranked, Rest, mark_of_post, read, write
from hypothesis import given
from hypothesis import strategies as st
from kit.errors import InvalidArgument

from services.feed.tests.fakes import START

IDS = st.integers(1, TOP)
MARKS = st.frozensets(st.integers(0, 65_520), max_size=20)
RANKED = st.builds(
    Ranked,
    st.binary(min_size=8, max_size=8),
    st.integers(0, 65_535),
    st.integers(0, 10**12).map(lambda ms: START + timedelta(milliseconds=ms)),
    IDS,
    IDS,
    MARKS,
)


@given(RANKED)
def test_a_place_in_a_ranking_comes_back_as_it_was(place: Ranked) -> None:
    assert read(write(place)) == place


@given(st.builds(Rest, IDS, IDS, MARKS, st.booleans()))
def test_a_place_below_a_ranking_keeps_what_is_still_of_use(place: Rest) -> None:
    found = read(write(place))
    assert isinstance(found, Rest)
    assert (found.before, found.low, found.degraded) == (place.before, place.low, place.degraded)
    assert found.shown == (place.shown if place.before > place.low else frozenset())


def test_the_first_page_has_no_token() -> None:
    assert read("") is None


def test_what_was_shown_is_left_out_where_the_ranking_was_and_nowhere_else() -> None:
    place = Rest(1000, 500, frozenset({mark_of_post(700)}))
    assert [one for one in (900, 700, 700 - 65_521) if place.leaves_out(one)] == [700]


@given(st.text(max_size=80))
def test_what_is_no_token_is_refused(text: str) -> None:
    if text:
        with pytest.raises(InvalidArgument, match="BAD_PAGE_TOKEN"):
            read(text)


@given(st.binary(max_size=80), RANKED | st.builds(Rest, IDS))
def test_tokens_that_are_not_ours_are_refused_or_mean_what_they_say(noise: bytes, place: Ranked | Rest) -> None:
    """Cut, lengthened, or of another list."""
    for text in (write(place)[:-1], write(place) + "A", "116045278314958848", noise.hex()):
        try:
            found = read(text)
        except InvalidArgument:
            continue
        assert text == ("" if found is None else write(found))


def test_a_token_does_not_grow_without_end() -> None:
    fits = Rest(TOP, 1, frozenset(range(MOST_MARKS)))
    assert read(write(fits)) == fits
    assert len(write(fits)) < 2800
    with pytest.raises(InvalidArgument):
        read(write(Rest(TOP, 1, frozenset(range(MOST_MARKS + 1)))))
