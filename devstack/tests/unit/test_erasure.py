"""What an account is recognised by, and what of it may stay."""

import pytest
from devstack.erasure.findings import Finding, left
from devstack.erasure.marks import Marks, varint
from heliograph.user.v1.user_pb2 import Profile

USER = 117_654_661_832_572_930
MARKS = Marks(USER, ("ada_b", "ada@example.org"))


@pytest.mark.parametrize(
    "value",
    [
        USER,
        f"graph:relations:1:{{{USER}}}",
        f"feed:home:{{{USER:016x}}}",
        [{"user_id": USER}],
        USER.to_bytes(8, "big") + b"rest",
        Profile(id=USER).SerializeToString(),
        "hello @ada_b, how are you?",
        "ADA@Example.org",
        b'{"username":"ada_b"}',
    ],
)
def test_an_account_is_recognised_in_every_form(value: object) -> None:
    assert MARKS.are_in(value)


@pytest.mark.parametrize("value", [USER + 1, f"1{USER}", f"{USER}0", "ada_bc", "xada_b", "", b"", None, "ada"])
def test_others_are_not_taken_for_it(value: object) -> None:
    assert not MARKS.are_in(value)


def test_without_names_only_ids_count() -> None:
    assert Marks(USER).words == ""
    assert not Marks(USER).are_in("anything else")


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, USER])
def test_numbers_are_encoded_as_protobuf_does(number: int) -> None:
    message = Profile(id=number).SerializeToString()
    assert message == (b"\x08" + varint(number) if number else b"")


@pytest.mark.parametrize(
    "place",
    [
        "postgres user.erasures.user_id",
        "postgres user.audit.details",
        "postgres graph.erased_accounts.user_id",
        "cassandra heliograph_feed.erased_account.user_id",
        "postgres post.comments.text (words)",
        "redis gateway:once:* (expires)",
        "redis graph:relations:*:{*} (expires)",
    ],
)
def test_what_may_stay_has_a_reason(place: str) -> None:
    assert left([Finding(place, 1)]) == []


@pytest.mark.parametrize(
    "place",
    [
        "postgres user.accounts.user_id",
        "postgres post.comments.text",
        "postgres post.comments.author_id (words)",
        "cassandra heliograph_feed.home_timeline.author_id",
        "redis gateway:once:*",
        "redis user:profile:{*} (expires)",
        "elasticsearch users.username (words)",
        "bucket public/ orphans",
    ],
)
def test_all_else_is_left_over(place: str) -> None:
    assert left([Finding(place, 1)]) != []
