import time
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from user_service.model import lookalikes, names

RESERVED_LOOKS = {lookalikes.bare_look(name) for name in names.RESERVED}

USERNAMES = st.from_regex(r"[a-z0-9_][a-z0-9._]{1,28}[a-z0-9_]", fullmatch=True).filter(
    lambda name: ".." not in name and lookalikes.bare_look(name) not in RESERVED_LOOKS
)


@given(USERNAMES)
def test_a_username_of_allowed_characters_is_fine_in_either_case(name: str) -> None:
    assert names.username_fault(name) is None
    assert names.username_fault(name.upper()) is None
    assert names.fold_username(name.upper()) == name


@given(st.text(max_size=40))
def test_whatever_passes_is_ascii_and_stable_under_folding_and_normalisation(text: str) -> None:
    if names.username_fault(text) is None:
        folded = names.fold_username(text)
        assert folded.isascii()
        assert unicodedata.normalize("NFKC", folded) == folded == names.fold_username(folded)
        assert names.is_username(folded)


@given(st.text(max_size=40))
def test_no_two_usernames_differ_in_case_alone(text: str) -> None:
    assert names.fold_username(text.swapcase()) == names.fold_username(text) or not text.isascii()


def test_a_megabyte_of_username_holds_nobody_up() -> None:
    started = time.perf_counter()
    assert names.username_fault("X" * 1_000_000)
    assert not names.is_username(names.fold_username("X" * 1_000_000))
    assert time.perf_counter() - started < 0.05


@pytest.mark.parametrize(
    "text", ["\u212aevin", "ａｎｎａ", "an\u0301na", "аnna", "an na", "anna\n", "anna\0", "ann\u200da"]
)
def test_letters_that_only_look_like_ascii_are_refused(text: str) -> None:
    assert names.username_fault(text)


@pytest.mark.parametrize("text", ["\u0430nna", "\u212aevin", "ａｎｎａ", "an\u0301na", "ѕуѕтем_а", "αννα"])
def test_letters_of_another_alphabet_are_named_as_the_reason(text: str) -> None:
    assert "only look like" in (names.username_fault(text) or "")


@pytest.mark.parametrize("text", ["anna\u202e", "\u2066anna", "ann\u200da", "an\u200bna", "anna\u00ad", "anna\u3164"])
def test_invisible_and_turning_characters_are_named_as_the_reason(text: str) -> None:
    assert "invisible" in (names.username_fault(text) or "")


@pytest.mark.parametrize(
    "text", ["adm1n", "ad_min", "ad.m.in", "adrnin", "heIiograph", "he1iograph", "0fficial", "vveb"]
)
def test_names_that_look_like_a_reserved_one_are_refused(text: str) -> None:
    assert names.username_fault(text) == "looks like a reserved name"


@pytest.mark.parametrize(("one", "other"), [("he11o", "hello"), ("b0b", "bob"), ("rnax", "max"), ("vvim", "wim")])
def test_names_that_look_alike_have_one_look(one: str, other: str) -> None:
    assert lookalikes.look(one) == lookalikes.look(other)


@pytest.mark.parametrize(
    ("one", "other"), [("anna.b", "annab"), ("user10", "user11"), ("anna", "anno"), ("nick", "nlck")]
)
def test_names_that_can_be_told_apart_have_different_looks(one: str, other: str) -> None:
    assert lookalikes.look(one) != lookalikes.look(other)


@pytest.mark.parametrize("text", ["", "ab", "a" * 31, ".anna", "anna.", "an..na", "anna-b", "an@na"])
def test_a_username_of_another_shape_is_refused(text: str) -> None:
    assert names.username_fault(text)


@pytest.mark.parametrize("text", ["admin", "Admin", "API", "me", "heliograph"])
def test_reserved_names_are_refused_in_any_case(text: str) -> None:
    assert names.username_fault(text)


@pytest.mark.parametrize(
    "text", ["anna@example.org", "a.b+c@mail.example.co", "o'neil@example.org", "x@xn--bcher-kva.example"]
)
def test_an_address_as_providers_hand_them_out_is_fine(text: str) -> None:
    assert names.email_fault(names.clean_email(text)) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anna",
        "@example.org",
        "anna@",
        "anna@localhost",
        "anna@example..org",
        "anna@-example.org",
        ".anna@example.org",
        "an na@example.org",
        "anna@exam ple.org",
        "anna@127.0.0.1",
        "anna@example.org\0",
        "anna@example.org\nbcc: x@example.org",
        "a" * 65 + "@example.org",
        "a@" + "b" * 60 + ".example." * 30 + "org",
    ],
)
def test_what_is_no_address_is_refused(text: str) -> None:
    assert names.email_fault(names.clean_email(text))


def test_an_address_keeps_its_local_part_and_is_unique_without_case() -> None:
    assert names.clean_email(" Anna.B@Example.ORG ") == "Anna.B@example.org"
    assert names.email_key("Anna.B@Example.ORG") == names.email_key("anna.b@example.org")


def test_a_password_is_judged_by_its_length_in_code_points_after_composition() -> None:
    decomposed = "é" * 8
    assert names.password_fault(names.fold_password(unicodedata.normalize("NFD", decomposed)[:14])) is not None
    assert names.password_fault(names.fold_password(unicodedata.normalize("NFD", decomposed))) is None
    assert names.password_fault("x" * 7)
    assert names.password_fault("x" * 129)
    assert names.password_fault("        ") is None


@given(st.text())
def test_the_same_password_typed_in_other_code_points_is_the_same(text: str) -> None:
    assert names.fold_password(unicodedata.normalize("NFD", text)) == names.fold_password(text)


@pytest.mark.parametrize("field", names.TEXT_LIMITS)
def test_a_text_has_its_limit(field: str) -> None:
    prefix = "https://" if field == "website" else ""
    limit = names.TEXT_LIMITS[field]
    assert names.text_fault(field, prefix + "x" * (limit - len(prefix))) is None
    assert names.text_fault(field, prefix + "x" * (limit - len(prefix) + 1))


@pytest.mark.parametrize("character", ["\0", "\x07", "\x7f", "\x85", "\u2028", "\u202e"])
def test_control_characters_are_refused_in_every_text(character: str) -> None:
    assert all(names.text_fault(field, f"a{character}b") for field in names.TEXT_LIMITS)


def test_only_a_bio_has_lines() -> None:
    assert names.text_fault("bio", "one\ntwo") is None
    assert names.text_fault("name", "one\ntwo")


@pytest.mark.parametrize(
    "text",
    [
        "Anna 👩‍🚀",
        "❤️‍🔥",
        "1️⃣",
        "می\u200cخواهم",
        "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    ],
    ids=ascii,
)
def test_joiners_are_fine_where_they_do_something(text: str) -> None:
    assert names.text_fault("name", text) is None


@pytest.mark.parametrize(
    "character",
    ["\u200b", "\u200d", "\u2060", "\ufeff", "\u00ad", "\u3164", "\u2800", "\ufe0f", "\u200f", "\U000e0041"],
    ids=ascii,
)
@pytest.mark.parametrize("field", ["name", "pronouns", "location"])
def test_what_does_not_show_is_refused_where_people_look_for_a_name(field: str, character: str) -> None:
    assert names.text_fault(field, f"An{character}na") == "must not have invisible characters"


@pytest.mark.parametrize("character", "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", ids=ascii)
def test_nothing_turns_the_text_around_it(character: str) -> None:
    assert all(names.text_fault(field, f"a{character}b") for field in names.TEXT_LIMITS)


@pytest.mark.parametrize(
    "text", ["", "https://example.org", "http://example.org:8080/a?b#c", "HTTPS://bücher.example/"]
)
def test_a_website_is_an_http_address_or_nothing(text: str) -> None:
    assert names.text_fault("website", text) is None


@pytest.mark.parametrize(
    "text",
    [
        "example.org",
        "javascript:alert(1)",
        "ftp://example.org",
        "https://",
        "https://bank@evil.example",
        "https://a b",
        'https://a"onclick=',
        "https://example.org/<script>",
        "https://example.org\\evil",
    ],
)
def test_any_other_address_is_refused(text: str) -> None:
    assert names.text_fault("website", text)


@pytest.mark.parametrize("fold", [names.clean_text, names.fold_password, names.username_fault])
def test_an_endless_run_of_combining_marks_takes_no_time(fold: Callable[[str], object]) -> None:
    started = time.process_time()
    fold("a" + "\u0301\u0323" * 20_000)
    assert time.process_time() - started < 0.5


def test_an_endless_text_or_password_is_too_long() -> None:
    endless = "a" + "\u0301\u0323" * 20_000
    assert names.password_fault(names.fold_password(endless))
    assert all(names.text_fault(field, names.clean_text(endless)) for field in names.TEXT_LIMITS)
