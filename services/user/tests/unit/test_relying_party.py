"""What is made of authenticators' answers, signed truly."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from support.authenticator import Authenticator, EdwardsKey, EllipticKey, Json, Key, RsaKey, encoded
from user_service.model.factors import Passkey
from user_service.service.relying_party import Registered, RelyingParty

PARTY = RelyingParty("example.org", ("https://example.org", "https://app.example.org"))
CHALLENGE, OTHER_CHALLENGE, HANDLE = b"c" * 32, b"d" * 32, b"h" * 32
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def authenticator(**values: Any) -> Authenticator:
    values.setdefault("origin", "https://example.org")
    return Authenticator(**values)


def creation(challenge: bytes = CHALLENGE, known: tuple[Passkey, ...] = ()) -> Json:
    return json.loads(PARTY.registration(challenge, HANDLE, "anna", "Anna", known))


def registered(device: Authenticator) -> Passkey:
    found = PARTY.register(json.dumps(device.create(creation())), CHALLENGE)
    assert found
    return passkey_of(found)


def passkey_of(found: Registered) -> Passkey:
    return Passkey(1, 7, found.credential_id, found.public_key, found.sign_count, found.transports, "x", NOW, None)


def request(passkey: Passkey, challenge: bytes = CHALLENGE) -> Json:
    return json.loads(PARTY.request(challenge, [passkey], verified=False))


def count_of(answer: Json, passkey: Passkey, *, challenge: bytes = CHALLENGE, verified: bool = False) -> int | None:
    claim = PARTY.claim(json.dumps(answer))
    return claim and PARTY.sign_count(claim, passkey, challenge, verified=verified)


def test_options_ask_for_a_passkey_and_for_no_attestation() -> None:
    device = authenticator()
    options = creation(known=(registered(device),))
    assert options["attestation"] == "none"
    assert options["authenticatorSelection"]["residentKey"] == "preferred"
    assert options["user"]["id"] == encoded(HANDLE)
    assert [key["id"] for key in options["excludeCredentials"]] == [encoded(device.credential_id)]


def test_a_log_in_by_passkey_alone_asks_for_any_that_makes_sure_of_its_owner() -> None:
    options = json.loads(PARTY.request(CHALLENGE, (), verified=True))
    assert (options["allowCredentials"], options["userVerification"]) == ([], "required")


@pytest.mark.parametrize("key", [EllipticKey, EdwardsKey, RsaKey])
def test_every_kind_of_key_is_made_and_signs(key: Callable[[], Key]) -> None:
    device = authenticator(key=key())
    passkey = registered(device)
    assert passkey.transports == ["internal"]
    assert [count_of(device.get(request(passkey)), passkey, verified=True) for _ in range(2)] == [1, 2]


def test_any_of_the_origins_will_do() -> None:
    device = authenticator(origin="https://app.example.org")
    passkey = registered(device)
    assert count_of(device.get(request(passkey)), passkey) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://example.org"},
        {"origin": "https://example.org.evil.example"},
        {"rp_id": "evil.example"},
    ],
)
def test_another_origin_and_another_place_make_no_passkey(wrong: dict[str, str]) -> None:
    answer = authenticator(**wrong).create(creation())
    assert PARTY.register(json.dumps(answer), CHALLENGE) is None


def test_another_challenge_makes_no_passkey() -> None:
    answer = authenticator().create(creation())
    assert PARTY.register(json.dumps(answer), OTHER_CHALLENGE) is None


def test_a_point_off_its_curve_makes_no_passkey() -> None:
    class OffCurve(EllipticKey):
        def cose(self) -> dict[int, Any]:
            return {**super().cose(), -2: b"\x01" * 32}

    answer = authenticator(key=OffCurve()).create(creation())
    assert PARTY.register(json.dumps(answer), CHALLENGE) is None


@pytest.mark.parametrize("statement", [{"fmt": "packed"}, {"fmt": "x"}, {"attStmt": {"sig": b"x"}}, {"authData": b""}])
def test_a_broken_attestation_makes_no_passkey(statement: Json) -> None:
    answer = authenticator().create(creation(), attestation=statement)
    assert PARTY.register(json.dumps(answer), CHALLENGE) is None


@pytest.mark.parametrize("wrong", [{"origin": "https://evil.example"}, {"rp_id": "evil.example"}])
def test_an_answer_given_to_another_place_is_refused(wrong: dict[str, str]) -> None:
    device = authenticator()
    passkey = registered(device)
    for name, value in wrong.items():
        setattr(device, name, value)
    assert count_of(device.get(request(passkey)), passkey) is None


def test_an_answer_to_another_challenge_is_refused() -> None:
    device = authenticator()
    passkey = registered(device)
    assert count_of(device.get(request(passkey)), passkey, challenge=OTHER_CHALLENGE) is None


def test_an_answer_that_was_made_for_a_registration_is_refused() -> None:
    device = authenticator()
    passkey = registered(device)
    assert count_of(device.get(request(passkey), kind="webauthn.create"), passkey) is None


def test_an_answer_signed_by_another_key_is_refused() -> None:
    device = authenticator()
    passkey = registered(device)
    device.key = EllipticKey()
    assert count_of(device.get(request(passkey)), passkey) is None


def test_an_answer_that_was_changed_is_refused() -> None:
    device = authenticator()
    passkey = registered(device)
    answer, later = device.get(request(passkey)), device.get(request(passkey))
    mixed = {**answer, "response": {**answer["response"], "authenticatorData": later["response"]["authenticatorData"]}}
    assert count_of(mixed, passkey) is None


def test_whoever_does_not_make_sure_of_the_owner_is_a_second_factor_and_no_log_in() -> None:
    device = authenticator(verifies=False)
    passkey = registered(device)
    assert count_of(device.get(request(passkey)), passkey) == 1
    assert count_of(device.get(request(passkey)), passkey, verified=True) is None


@pytest.mark.parametrize(
    "answer",
    [
        "", "x", "[]", "null", "{}", '{"id": 1}', '{"id": "a", "rawId": "ä", "type": "public-key", "response": {}}',
        "[" * 100_000, '{"a":' * 3000, json.dumps({"id": "x" * 20_000}),
    ],
)  # fmt: skip
def test_what_is_no_answer_is_none(answer: str) -> None:
    assert PARTY.claim(answer) is None
    assert PARTY.register(answer, CHALLENGE) is None
