import hashlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.errors import InvalidArgument
from kit.settings import BadSettings
from user_service.model.passwords import weakness
from user_service.service.password_rules import PasswordRules
from user_service.store.breached import BreachedPasswords

CONTEXT = ("anna.b", "anna@example.org", "Anna Bella")


def hash_of(password: str) -> str:
    return hashlib.sha1(password.encode()).hexdigest().upper()


def file_of(folder: Path, passwords: list[str], *, end: str = "\r\n", last: str = "") -> Path:
    lines = sorted(f"{hash_of(password)}:{place * 7}" for place, password in enumerate(passwords))
    path = folder / "breached.txt"
    path.write_bytes((end.join(lines) + last).encode())
    return path


@pytest.mark.parametrize(
    "password",
    ["password", "Password123!", "letmein2024", "QWERTYUIOP", "1q2w3e4r", "ｐａｓｓｗｏｒｄ", "!!!iloveyou!!!"],
)
def test_what_everybody_takes_is_refused(password: str) -> None:
    assert weakness(password, CONTEXT) == "is one of the most common passwords"


@pytest.mark.parametrize(
    "password", ["aaaaaaaa", "abababab", "12345678", "87654321", "abcdefgh", "hgfedcba", "        "]
)
def test_repetitions_and_rows_are_refused(password: str) -> None:
    assert weakness(password, CONTEXT)


@pytest.mark.parametrize(
    "password",
    ["heliograph", "Heliograph1", "annabella99", "anna@example.org", "anna.b12345", "xAnnaxx9", "EXAMPLE2026"],
)
def test_the_accounts_own_words_are_refused(password: str) -> None:
    assert weakness(password, CONTEXT)


@pytest.mark.parametrize(
    "password",
    ["correct horse", "pässwörter", "tropical anna storm", "heliograph over the hill", "x7#kQ9!z", "        a b c"],
)
def test_any_other_password_is_fine_whatever_it_is_made_of(password: str) -> None:
    assert weakness(password, CONTEXT) is None


@pytest.mark.parametrize("end", ["\r\n", "\n"])
@pytest.mark.parametrize("last", ["", "\r\n", "\n"])
def test_every_line_of_the_file_is_found_and_nothing_else(tmp_path: Path, end: str, last: str) -> None:
    known = [f"known {number}" for number in range(300)]
    breached = BreachedPasswords(file_of(tmp_path, known, end=end, last=last))
    assert all(breached.holds(password) for password in known)
    assert not any(breached.holds(f"{password}x") for password in known)


@given(st.sets(st.text(max_size=6), min_size=1, max_size=40), st.text(max_size=6))
def test_the_search_agrees_with_a_set(tmp_path_factory: pytest.TempPathFactory, known: set[str], asked: str) -> None:
    known = {text for text in known if text.isprintable()}
    path = file_of(tmp_path_factory.mktemp("breached"), [*known, "one more"])
    assert BreachedPasswords(path).holds(asked) == (asked in known)


def test_without_a_file_nothing_is_known() -> None:
    assert not BreachedPasswords(None).holds("known 1")


def test_a_file_of_something_else_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "words").write_text("password\n")
    for path in (tmp_path / "words", tmp_path / "missing"):
        with pytest.raises(BadSettings, match="HELIOGRAPH_BREACHED_PASSWORDS_FILE"):
            BreachedPasswords(path)


async def test_an_operator_may_ask_for_longer_ones() -> None:
    rules = PasswordRules(BreachedPasswords(None), 15)
    assert await rules.fault("tropical storm", ()) == "must have at least 15 characters"
    assert await rules.fault("tropical storms", ()) is None


async def test_the_rules_blame_the_field_that_they_are_told(tmp_path: Path) -> None:
    rules = PasswordRules(BreachedPasswords(file_of(tmp_path, ["tropical storm"])))
    await rules.insist("tropical calm", CONTEXT, field="/password")
    with pytest.raises(InvalidArgument) as caught:
        await rules.insist("tropical storm", CONTEXT, field="/new_password")
    assert [(fault.field, "breach" in fault.reason) for fault in caught.value.fields] == [("/new_password", True)]
