"""Rules of second factors, and secrets at rest."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.exceptions import InvalidTag
from user_service.model.factors import (
    RECOVERY_BYTES,
    Factors,
    Sealed,
    Totp,
    hash_of_code,
    recovery_code,
    wait_of,
    went_on,
)
from user_service.service import totp as codes
from user_service.service.sealing import SealBroken, Seals

SECRET = b"12345678901234567890"  # of RFC 6238, appendix B
NOW = datetime(2026, 1, 1, 12, 0, 10, tzinfo=UTC)
TOTP = Totp(Sealed(b"", ""), NOW, NOW, last_step=0, last_used_at=None, wrong_codes=0, wrong_at=None)


@pytest.mark.parametrize(
    ("seconds", "code"),
    [
        (59, "287082"),
        (1111111109, "081804"),
        (1111111111, "050471"),
        (1234567890, "005924"),
        (2000000000, "279037"),
        (20000000000, "353130"),
    ],
)
def test_codes_are_those_of_the_rfc(seconds: int, code: str) -> None:
    at = datetime.fromtimestamp(seconds, UTC)
    assert codes.code_at(SECRET, codes.step_of(at)) == code
    assert codes.matching_step(SECRET, code, at, after=0) == seconds // 30


@pytest.mark.parametrize("shift", [-1, 0, 1])
def test_a_code_is_good_one_step_early_and_late(shift: int) -> None:
    step = codes.step_of(NOW) + shift
    assert codes.matching_step(SECRET, codes.code_at(SECRET, step), NOW, after=0) == step


@pytest.mark.parametrize("shift", [-2, 2])
def test_a_code_is_not_good_two_steps_early_or_late(shift: int) -> None:
    assert codes.matching_step(SECRET, codes.code_at(SECRET, codes.step_of(NOW) + shift), NOW, after=0) is None


def test_a_code_is_typed_with_spaces_at_will() -> None:
    code = codes.code_at(SECRET, codes.step_of(NOW))
    assert codes.matching_step(SECRET, f" {code[:3]} {code[3:]} ", NOW, after=0)


@pytest.mark.parametrize("typed", ["", "1", "000000", "0000000", "äöüäöü", "\ud800", "x" * 100_000])
def test_what_is_no_code_is_none(typed: str) -> None:
    assert codes.matching_step(SECRET, typed, NOW, after=0) is None


def test_a_code_is_not_good_again_and_neither_is_one_before_it() -> None:
    step = codes.step_of(NOW)
    for old in (step - 1, step):
        assert codes.matching_step(SECRET, codes.code_at(SECRET, old), NOW, after=step) is None
    assert codes.matching_step(SECRET, codes.code_at(SECRET, step + 1), NOW, after=step) == step + 1


def test_an_app_reads_the_secret_from_a_picture() -> None:
    assert codes.uri_of(SECRET, "anna") == (
        "otpauth://totp/Heliograph:anna?digits=6&secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&algorithm=SHA1"
        "&issuer=Heliograph&period=30"
    )
    assert codes.text_of(SECRET) == "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"


def test_after_a_hundred_wrong_codes_in_a_row_each_further_one_costs_an_hour() -> None:
    many = replace(TOTP, wrong_codes=100, wrong_at=NOW)
    assert not wait_of(replace(many, wrong_codes=99), NOW)
    assert wait_of(many, NOW) == timedelta(hours=1)
    assert wait_of(many, NOW + timedelta(minutes=59)) == timedelta(minutes=1)
    assert not wait_of(many, NOW + timedelta(hours=1))


@pytest.mark.parametrize(
    ("before", "after", "good"), [(0, 0, True), (0, 1, True), (1, 2, True), (1, 1, False), (2, 1, False), (1, 0, False)]
)
def test_a_counter_goes_on_or_stays_at_nothing(before: int, after: int, good: bool) -> None:
    assert went_on(before, after) is good


def test_a_recovery_code_has_four_groups_and_is_read_however_it_was_written_down() -> None:
    code = recovery_code(bytes(range(RECOVERY_BYTES)))
    assert code == "000g-40r4-0m30-e209"
    for typed in (code.upper(), code.replace("-", ""), f" {code} ", code.replace("0", "o"), "OOOg 4Or4 Om3O e2O9"):
        assert hash_of_code(typed) == hash_of_code(code)
    assert hash_of_code("000g-40r4-0m30-e20a") != hash_of_code(code)
    assert recovery_code(b"\xff" * RECOVERY_BYTES) == "zzzz-zzzz-zzzz-zzzz"


@pytest.mark.parametrize(
    ("factors", "methods"),
    [
        (Factors(None, 0, 0), []),
        (Factors(None, 10, 0), []),
        (Factors(TOTP, 0, 0), ["totp"]),
        (Factors(TOTP, 3, 1), ["totp", "recovery_code", "passkey"]),
        (Factors(None, 10, 2), ["recovery_code", "passkey"]),
    ],
)
def test_recovery_codes_alone_are_no_factor(factors: Factors, methods: list[str]) -> None:
    assert factors.methods == methods


def test_a_sealed_secret_opens_for_its_account_alone() -> None:
    seals = Seals(["k" * 32])
    sealed = seals.seal(7, SECRET)
    assert seals.open(7, sealed) == SECRET
    assert SECRET not in sealed.data
    with pytest.raises(InvalidTag):
        seals.open(8, sealed)
    with pytest.raises(InvalidTag):
        seals.open(7, replace(sealed, data=sealed.data[:-1] + bytes([sealed.data[-1] ^ 1])))


def test_no_two_seals_are_alike() -> None:
    seals = Seals(["k" * 32])
    assert seals.seal(7, SECRET).data != seals.seal(7, SECRET).data


def test_the_newest_key_seals_and_older_ones_open() -> None:
    old, both = Seals(["o" * 32]), Seals(["n" * 32, "o" * 32])
    sealed = old.seal(7, SECRET)
    assert both.open(7, sealed) == SECRET
    assert both.seal(7, SECRET).key_id == both.newest != sealed.key_id
    with pytest.raises(SealBroken, match=sealed.key_id):
        Seals(["n" * 32]).open(7, sealed)
