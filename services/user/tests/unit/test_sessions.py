from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kit.errors import Unauthenticated
from user_service.model.sessions import (
    REUSE_GRACE,
    RefreshToken,
    Session,
    Verdict,
    hash_of,
    judge,
    parse_token,
    rotated,
)

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIFETIME = timedelta(days=60)
FAMILY = b"f" * 16
IDS = st.integers(min_value=1, max_value=2**63 - 1)


def secret(number: int) -> bytes:
    return number.to_bytes(32, "big")


def token(number: int, family: bytes = FAMILY) -> RefreshToken:
    return RefreshToken(1, 2, family, secret(number))


def session() -> Session:
    return Session(
        id=2,
        user_id=1,
        user_agent="",
        address="",
        family_hash=hash_of(FAMILY),
        token_hash=hash_of(secret(0)),
        rotated=(),
        created_at=NOW,
        last_used_at=NOW,
        expires_at=NOW + LIFETIME,
        revoked_at=None,
    )


def rotate(before: Session, number: int, at: datetime) -> Session:
    return rotated(before, secret(number), address="", now=at, lifetime=LIFETIME)


@given(IDS, IDS, st.binary(min_size=16, max_size=16), st.binary(min_size=32, max_size=32))
def test_a_token_is_read_back_as_it_was_written(
    user_id: int, session_id: int, family: bytes, single_use: bytes
) -> None:
    written = RefreshToken(user_id, session_id, family, single_use)
    assert parse_token(str(written)) == written


@given(st.text())
def test_any_other_text_is_no_token(text: str) -> None:
    with pytest.raises(Unauthenticated):
        parse_token(text)


def test_a_token_has_one_spelling_only() -> None:
    text = str(token(1))
    for other in (text + "=", text.removeprefix("hgr_"), text[:-1], text + "A", " " + text):
        with pytest.raises(Unauthenticated):
            parse_token(other)


def test_the_secrets_do_not_show_in_a_log_line() -> None:
    assert "ffff" not in repr(token(1))


def test_the_last_token_is_good_and_goes_on_for_a_lifetime() -> None:
    after = rotate(session(), 1, NOW + timedelta(days=59))
    assert judge(session(), token(0), NOW) is Verdict.GOOD
    assert judge(after, token(1), NOW + timedelta(days=118)) is Verdict.GOOD
    assert judge(after, token(1), NOW + timedelta(days=119)) is Verdict.UNKNOWN


def test_the_token_before_is_forgiven_for_ten_seconds_and_then_means_theft() -> None:
    after = rotate(session(), 1, NOW)
    assert judge(after, token(0), NOW + REUSE_GRACE) is Verdict.IN_PROGRESS
    assert judge(after, token(0), NOW + REUSE_GRACE + timedelta(microseconds=1)) is Verdict.REUSED


def test_each_of_several_tokens_rotated_just_now_is_forgiven_by_its_own_clock() -> None:
    second = timedelta(seconds=1)
    after = rotate(rotate(session(), 1, NOW), 2, NOW + 5 * second)
    assert judge(after, token(0), NOW + 9 * second) is Verdict.IN_PROGRESS
    assert judge(after, token(0), NOW + 11 * second) is Verdict.REUSED
    assert judge(after, token(1), NOW + 11 * second) is Verdict.IN_PROGRESS


def test_a_token_of_long_ago_means_theft_although_nothing_of_it_is_kept() -> None:
    late = session()
    for number in range(1, 100):
        late = rotate(late, number, NOW + timedelta(minutes=number))
    assert len(late.rotated) == 1
    assert judge(late, token(3), NOW + timedelta(minutes=100)) is Verdict.REUSED


def test_who_guesses_the_ids_of_a_session_cannot_end_it() -> None:
    assert judge(session(), token(9, family=b"g" * 16), NOW) is Verdict.UNKNOWN


def test_a_revoked_session_says_so_to_its_own_tokens_only() -> None:
    over = replace(session(), revoked_at=NOW)
    assert judge(over, token(0), NOW) is Verdict.REVOKED
    assert judge(over, token(0, family=b"g" * 16), NOW) is Verdict.UNKNOWN
