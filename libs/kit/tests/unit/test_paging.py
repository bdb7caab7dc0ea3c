import base64

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from kit.errors import InvalidArgument
from kit.paging import Cursors, page_size

CURSORS = Cursors(b"k" * 32)
TOKENS = st.text(min_size=1, max_size=60)
SCOPES = st.text(max_size=60)


def refuse(scope: str, cursor: str, cursors: Cursors = CURSORS) -> None:
    with pytest.raises(InvalidArgument) as caught:
        cursors.open(scope, cursor)
    assert caught.value.reason == "BAD_CURSOR"


@given(SCOPES, TOKENS)
def test_a_cursor_opens_in_its_own_scope(scope: str, token: str) -> None:
    assert CURSORS.open(scope, CURSORS.sign(scope, token)) == token


@given(SCOPES, SCOPES, TOKENS)
def test_a_cursor_of_another_list_is_refused(scope: str, other: str, token: str) -> None:
    assume(scope != other)
    refuse(other, CURSORS.sign(scope, token))


@given(SCOPES, TOKENS, st.data())
def test_a_cursor_with_any_byte_changed_is_refused(scope: str, token: str, data: st.DataObject) -> None:
    cursor = CURSORS.sign(scope, token)
    at = data.draw(st.integers(0, len(cursor) - 1))
    letter = data.draw(st.sampled_from("ABCXYZabcxyz0189-_"))
    assume(cursor[at] != letter)
    refuse(scope, cursor[:at] + letter + cursor[at + 1 :])


@given(SCOPES, TOKENS, st.integers(1, 20))
def test_a_cursor_cut_short_is_refused(scope: str, token: str, cut: int) -> None:
    refuse(scope, CURSORS.sign(scope, token)[:-cut])


@given(SCOPES, st.text(min_size=1, max_size=80))
def test_what_was_never_signed_is_refused(scope: str, cursor: str) -> None:
    refuse(scope, cursor)


@given(SCOPES, TOKENS)
def test_a_cursor_of_another_key_is_refused(scope: str, token: str) -> None:
    refuse(scope, Cursors(b"o" * 32).sign(scope, token))


def test_the_scope_does_not_run_into_the_token() -> None:
    signed = base64.urlsafe_b64decode(CURSORS.sign("a", "bc") + "==")
    shifted = signed[:1] + b"c" + signed[3:]
    refuse("ab", base64.urlsafe_b64encode(shifted).rstrip(b"=").decode())


def test_a_cursor_of_an_unknown_version_is_refused() -> None:
    blob = base64.urlsafe_b64decode(CURSORS.sign("s", "t") + "==")
    refuse("s", base64.urlsafe_b64encode(b"\x02" + blob[1:]).rstrip(b"=").decode())


def test_a_cursor_needs_no_escaping_in_a_url() -> None:
    assert CURSORS.sign("s", "\xff\xfe>>>???").replace("-", "").replace("_", "").isalnum()


def test_no_token_is_no_cursor() -> None:
    assert CURSORS.sign("s", "") == ""
    assert CURSORS.open("s", "") == ""


def test_a_short_key_is_refused() -> None:
    with pytest.raises(ValueError, match="16"):
        Cursors(b"short")


@pytest.mark.parametrize(("asked", "given_"), [(0, 20), (1, 1), (100, 100), (101, 100), (2**31, 100)])
def test_page_sizes_have_a_default_and_a_cap(asked: int, given_: int) -> None:
    assert page_size(asked) == given_


def test_a_negative_page_size_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        page_size(-1)
