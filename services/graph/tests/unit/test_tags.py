"""How a tag is spelt. That the post service finds what is kept here is tested over both, in tests/unit."""

import pytest
from graph_service.model.tags import LENGTH_MAX, MOST_FOLLOWED, check_room, tag_of
from hypothesis import given
from hypothesis import strategies as st
from kit.errors import FailedPrecondition, InvalidArgument


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("#Dusk", "dusk"),
        ("DUSK", "dusk"),
        ("straße", "strasse"),
        ("STRASSE", "strasse"),
        ("日本", "日本"),
        ("été_2026", "été_2026"),
        ("＃ｗｉｄｅ", "wide"),
        ("3d", "3d"),
        ("_dusk_", "dusk"),
        ("ทำ", "ท\u0e4dา"),
        ("ท\u0e4dา", "ท\u0e4dา"),
        ("a½", "a1⁄2"),
        ("a1⁄2", "a1⁄2"),
        ("x" * LENGTH_MAX, "x" * LENGTH_MAX),
    ],
)
def test_a_tag_has_one_spelling(typed: str, kept: str):
    assert tag_of(typed) == kept


@pytest.mark.parametrize(
    "typed",
    ["", "#", "##a", "1", "2026", "_", "a b", "a#b", "one,two", "a/b", "a\x00", "\ud800", "x" * (LENGTH_MAX + 1)],
)
def test_what_is_no_tag_is_refused_with_the_field(typed: str):
    with pytest.raises(InvalidArgument) as refused:
        tag_of(typed)

    assert refused.value.reason == "INVALID_FIELD"
    assert [field.field for field in refused.value.fields] == ["/tag"]


@given(st.from_regex(r"[\w\u200d]+", fullmatch=True))
def test_a_tag_as_it_is_kept_is_its_own_spelling_unless_it_became_a_phrase(typed: str):
    try:
        tag = tag_of(typed)
    except InvalidArgument:
        return
    if not set(tag) & set(" (),."):  # some single characters stand for a phrase, or for a number with its dot
        assert tag_of(tag) == tag_of("#" + tag) == tag


def test_so_many_tags_and_no_more():
    check_room(MOST_FOLLOWED - 1)
    with pytest.raises(FailedPrecondition) as refused:
        check_room(MOST_FOLLOWED)
    assert refused.value.reason == "TOO_MANY_TAGS"
