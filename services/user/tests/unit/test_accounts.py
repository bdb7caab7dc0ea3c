from dataclasses import replace
from datetime import UTC, datetime

import pytest
from kit.errors import FieldViolation, InvalidArgument
from user_service.model.accounts import (
    AccountState,
    PrivacyChanged,
    Profile,
    ProfileChanged,
    changes,
    edited,
    registration,
)

ANNA = Profile(
    id=7,
    username="anna",
    name="Anna",
    bio="",
    website="",
    location="",
    pronouns="",
    avatar_key="",
    private_account=False,
    state=AccountState.ACTIVE,
    created_at=datetime(2026, 1, 1, tzinfo=UTC),
    version=3,
)


def test_a_registration_is_cleaned() -> None:
    wanted = registration(username="Anna", email="A@EXAMPLE.org", password="e\u0301" * 8, name=" Anna ", request_id="r")
    assert (wanted.username, wanted.email, wanted.password, wanted.name) == ("anna", "A@example.org", "é" * 8, "Anna")


def test_every_fault_of_a_registration_is_told_at_once() -> None:
    with pytest.raises(InvalidArgument) as caught:
        registration(username="a", email="a", password="a", name="a\0", request_id="\n")
    assert caught.value.reason == "INVALID_FIELD"
    assert [fault.field for fault in caught.value.fields] == [
        "/username",
        "/email",
        "/password",
        "/name",
        "/request_id",
    ]


def test_an_edit_changes_what_it_names_and_counts_the_version() -> None:
    after = edited(ANNA, {"bio": " hello ", "private_account": True})
    assert after == replace(ANNA, bio="hello", private_account=True, version=4)


def test_an_edit_that_changes_nothing_leaves_the_version() -> None:
    assert edited(ANNA, {"name": "Anna"}) == ANNA
    assert edited(ANNA, {}) == ANNA


@pytest.mark.parametrize("field", ["username", "id", "state", "version", "avatar_key", "nonsense"])
def test_other_fields_cannot_be_edited(field: str) -> None:
    with pytest.raises(InvalidArgument) as caught:
        edited(ANNA, {field: "x"})
    assert caught.value.fields == (FieldViolation(f"/{field}", "is not a field that can be changed"),)


def test_every_fault_of_an_edit_is_told_at_once() -> None:
    with pytest.raises(InvalidArgument) as caught:
        edited(ANNA, {"name": "x" * 61, "website": "nowhere", "private_account": None})
    assert [fault.field for fault in caught.value.fields] == ["/name", "/website", "/private_account"]


def test_a_flip_of_privacy_is_told_apart_from_other_changes() -> None:
    private, renamed = edited(ANNA, {"private_account": True}), edited(ANNA, {"name": "Anne"})
    both = edited(ANNA, {"private_account": True, "name": "Anne"})
    assert changes(ANNA, private) == [PrivacyChanged(private)]
    assert changes(ANNA, renamed) == [ProfileChanged(renamed)]
    assert changes(ANNA, both) == [PrivacyChanged(both), ProfileChanged(both)]
    assert changes(ANNA, edited(ANNA, {"name": "Anna"})) == []
