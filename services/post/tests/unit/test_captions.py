import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.errors import InvalidArgument
from post_service.model.captions import check_mentions, check_tags, fold_tag, tags_in, usernames_in

words = st.text(st.characters(categories=("Ll", "Lu", "Lo", "Nd")), min_size=1, max_size=20)


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("#Dusk over #Berlin", ("dusk", "berlin")),
        ("#dusk #DUSK #Dusk", ("dusk",)),
        ("#straße #STRASSE", ("strasse",)),
        ("#日本 and #été_2026", ("日本", "été_2026")),
        ("#été #été", ("été",)),
        ("＃ｗｉｄｅ", ("wide",)),
        ("#1 #2026 #3d", ("3d",)),
        ("a#b ##c &#39; /x#y http://e.org/#frag", ()),
        ("#one,#two.#three!", ("one", "two", "three")),
        ("#_ #__ #", ()),
        ("", ()),
    ],
)
def test_tags_are_found_folded_and_named_once(text: str, tags: tuple[str, ...]) -> None:
    assert tags_in(text) == tags


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("with @Ben and @ada_1.", ("ben", "ada_1")),
        ("@ben, @BEN", ("ben",)),
        ("ben@example.org a@b @@c /@d", ()),
        ('(@ben) "@ada"', ("ben", "ada")),
        ("@a.b.", ("a.b",)),
        ("@" + "x" * 31, ()),
    ],
)
def test_mentions_are_found_in_lower_case_and_named_once(text: str, names: tuple[str, ...]) -> None:
    assert usernames_in(text) == names


@given(st.text())
def test_any_text_gives_tags_that_are_their_own_folding(text: str) -> None:
    for tag in tags_in(text):
        assert fold_tag(tag) == tag
        assert "#" not in tag
        assert tag == unicodedata.normalize("NFKC", tag)
    assert len(set(tags_in(text))) == len(tags_in(text))


@given(st.text())
def test_any_text_gives_usernames_that_could_be_names(text: str) -> None:
    allowed = set(string.ascii_lowercase + string.digits + "_.")
    for name in usernames_in(text):
        assert set(name) <= allowed
        assert 1 <= len(name) <= 30


@given(st.lists(words, min_size=1, max_size=10))
def test_every_tag_with_a_letter_is_found_between_blanks(tags: list[str]) -> None:
    text = " ".join(f"#{tag}" for tag in tags)
    wanted = {fold_tag(tag) for tag in tags if any(char.isalpha() for char in fold_tag(tag))}
    assert set(tags_in(text)) == wanted


def test_too_many_tags_or_people_are_refused_with_the_field() -> None:
    with pytest.raises(InvalidArgument) as tags:
        check_tags(tuple(f"t{number}" for number in range(31)), field="/caption")
    with pytest.raises(InvalidArgument):
        check_tags(("x" * 101,), field="/caption")
    with pytest.raises(InvalidArgument):
        check_mentions(tuple(f"u{number}" for number in range(31)), field="/text")
    assert tags.value.reason == "INVALID_FIELD"
    assert tags.value.fields[0].field == "/caption"
