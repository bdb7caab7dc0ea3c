from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.errors import InvalidArgument
from search_service.model import Hit, Place, clean_query, clean_tag, fold, hit_of, offset_of, token_after, token_at


def test_accents_case_and_space_do_not_matter():
    assert fold("  Crème   BRÛLÉE ") == "creme brulee"


@given(st.text())
def test_folding_twice_changes_nothing(text: str):
    assert fold(fold(text)) == fold(text)


def test_a_sign_before_a_tag_or_a_name_is_left_out_of_the_query():
    assert clean_query("#Dusk") == "dusk"
    assert clean_query("@ben_1") == "ben_1"


def test_tags_keep_their_accents():
    assert clean_tag("#Café") == "café"


def test_tags_are_found_however_their_case_is_written():
    assert clean_tag("#Straße") == clean_tag("STRASSE") == "strasse"


@pytest.mark.parametrize("clean", [clean_query, clean_tag])
def test_a_query_that_folding_makes_endless_is_refused(clean: Callable[[str], str]):
    with pytest.raises(InvalidArgument) as error:
        clean("\ufdfa" * 200)
    assert error.value.fields[0].field == "/q"


@pytest.mark.parametrize("query", ["", "   ", "#", "\x00", "x" * 201])
def test_an_empty_or_endless_query_is_refused(query: str):
    with pytest.raises(InvalidArgument) as error:
        clean_query(query)
    assert error.value.fields[0].field == "/q"


@given(st.floats(allow_nan=False, allow_infinity=False, min_value=0), st.integers(min_value=1, max_value=2**63 - 1))
def test_a_page_token_leads_back_to_its_hit(score: float, id_: int):
    assert hit_of(token_after(Hit(id_, score))) == Hit(id_, score)


def test_an_offset_token_leads_back_to_its_offset():
    assert offset_of(token_at(20)) == 20


@pytest.mark.parametrize("token", ["x", "!!", "bnVsbA==", "WzEsIDIsIDNd", "eyJhIjogMX0=", "WyJhIiwgMV0="])
def test_a_token_of_something_else_is_refused(token: str):
    with pytest.raises(InvalidArgument, match="BAD_PAGE_TOKEN"):
        hit_of(token)
    with pytest.raises(InvalidArgument, match="BAD_PAGE_TOKEN"):
        offset_of(token)


def test_one_spot_with_one_name_is_one_place():
    assert Place("Café Bravo", 52.52701, 13.40001).id == Place("cafe  bravo", 52.52704, 13.40004).id
    assert Place("Café Bravo", 52.52701, 13.40001).id != Place("Café Bravo", 48.1, 11.5).id
