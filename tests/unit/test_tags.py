"""Services share no code. Where two of them have to agree on a text, this is where they are held to it."""

from graph_service.model.tags import LENGTH_MAX, tag_of
from hypothesis import example, given
from hypothesis import strategies as st
from post_service.model.captions import TAG_LENGTH_MAX, tags_in

words = st.text(
    st.one_of(st.characters(categories=("L", "N")), st.sampled_from("_\u200dßİŉำ½ﷺ")), min_size=1, max_size=20
)


@given(words)
@example("İstanbul")
@example("STRASSE")
@example("ทำ")
@example("_\u200dx\u200d_")
def test_what_a_caption_makes_of_a_tag_is_what_following_it_keeps(word: str):
    for tag in tags_in("#" + word):
        assert tag_of(word) == tag_of("#" + word) == tag


@given(st.text())
def test_tags_of_any_caption_can_be_followed_as_they_are_shown(text: str):
    for tag in tags_in(text):
        if not set(tag) & set(" (),."):  # some single characters stand for a phrase, or for a number with its dot
            assert tag_of(tag) == tag


def test_tags_are_of_one_length():
    assert LENGTH_MAX == TAG_LENGTH_MAX
