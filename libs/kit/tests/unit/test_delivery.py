from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from google.protobuf.struct_pb2 import Value
from kit.delivery import Delivery, Undecodable, by_topic, delivery_of, dispatch
from kit.kafka import Message, bare_name, full_name

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Raw:
    """A record as aiokafka hands it out."""

    value: bytes | None
    headers: tuple[tuple[str, bytes], ...] = ()
    key: bytes | None = b"key"
    partition: int = 3
    offset: int = 14
    timestamp: int = int(NOON.timestamp() * 1000)


class Heard:
    def __init__(self) -> None:
        self.events: list[Any] = []

    async def __call__(self, event: Any, delivery: Delivery) -> None:
        self.events.append((event, delivery.key))

    async def plain(self, delivery: Delivery) -> None:
        self.events.append(delivery.topic)


def delivered(value: bytes, topic: str = "things.v1") -> Delivery:
    return delivery_of(Raw(value), topic)


def test_what_a_message_says_arrives() -> None:
    sent = Message("things.v1", "key", "changed", b"value", source="s", id="i", time=NOON, extra=(("more", b"x"),))
    got = delivery_of(Raw(sent.value, tuple(sent.headers)), "things.v1")
    assert (got.key, got.type, got.id, got.time, got.value) == ("key", "changed", "i", NOON, b"value")
    assert got.header("more") == "x"
    assert got.header("ce_source") == "s"


def test_a_foreign_message_gets_an_id_of_its_place_and_the_time_of_the_log() -> None:
    got = delivered(b"")
    assert (got.id, got.time) == ("things.v1/3/14", NOON)


def test_a_tombstone_has_no_bytes() -> None:
    assert delivery_of(Raw(None, key=None), "things.v1").value == b""


async def test_the_handler_of_the_set_case_gets_it() -> None:
    heard = Heard()
    handle = dispatch(Value, {"string_value": heard}, oneof="kind")
    await handle(delivered(Value(string_value="hello").SerializeToString()))
    assert heard.events == [("hello", "key")]


async def test_a_case_without_a_handler_is_skipped() -> None:
    heard = Heard()
    await dispatch(Value, {"string_value": heard}, oneof="kind")(delivered(Value(bool_value=True).SerializeToString()))
    await dispatch(Value, {"string_value": heard}, oneof="kind")(delivered(b""))
    assert heard.events == []


async def test_what_is_no_such_message_is_undecodable() -> None:
    with pytest.raises(Undecodable):
        await dispatch(Value, {}, oneof="kind")(delivered(b"\xff\xff"))


def test_a_handler_for_a_case_that_does_not_exist_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="no_such_case"):
        dispatch(Value, {"no_such_case": Heard()}, oneof="kind")


async def test_a_consumer_of_several_topics_routes_by_name() -> None:
    heard = Heard()
    await by_topic({"a.v1": heard.plain, "b.v1": heard.plain})(delivered(b"", "b.v1"))
    assert heard.events == ["b.v1"]


def test_names_get_their_prefix_once_and_lose_it_again() -> None:
    assert full_name("a.v1", "p.") == full_name("p.a.v1", "p.") == "p.a.v1"
    assert bare_name("p.a.v1", "p.") == bare_name("a.v1", "p.") == "a.v1"
