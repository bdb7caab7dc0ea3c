"""What a consumer's handler gets, and how it finds the right function for it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

from google.protobuf.message import DecodeError, Message

REPLAY_GROUP = "replay_group"  # header of a replayed dead letter: only that group takes it


@dataclass(frozen=True)
class Delivery:
    """One message. `topic` is named without the prefix; `id` is the event's, the same at every replay; `attempt` counts
    from 1 and begins anew in another process."""

    topic: str
    partition: int
    offset: int
    key: str
    type: str
    id: str
    time: datetime
    value: bytes
    attempt: int = 1
    headers: tuple[tuple[str, bytes], ...] = ()

    def header(self, name: str) -> str:
        """The header's text, empty when it is missing."""
        return next((value.decode(errors="replace") for key, value in self.headers if key == name), "")

    def meant_for(self, group: str) -> bool:
        return self.header(REPLAY_GROUP) in {"", group}


Handle = Callable[[Delivery], Awaitable[None]]


class Undecodable(Exception):
    """The message can never be read: it becomes a dead letter at once."""


class Record(Protocol):
    """aiokafka's ConsumerRecord, as far as it is read here."""

    @property
    def partition(self) -> int: ...
    @property
    def offset(self) -> int: ...
    @property
    def timestamp(self) -> int: ...
    @property
    def key(self) -> bytes | None: ...
    @property
    def value(self) -> bytes | None: ...
    @property
    def headers(self) -> Any: ...


def delivery_of(record: Record, topic: str) -> Delivery:
    """Total: what lacks CloudEvents headers gets an id made of its place and the time of the log."""
    headers = tuple((str(key), bytes(value)) for key, value in record.headers)
    named = {key: value.decode(errors="replace") for key, value in headers}
    return Delivery(
        topic=topic,
        partition=record.partition,
        offset=record.offset,
        key=(record.key or b"").decode(errors="replace"),
        type=named.get("ce_type", ""),
        id=named.get("ce_id") or f"{topic}/{record.partition}/{record.offset}",
        time=_time_of(named.get("ce_time", ""), record.timestamp),
        value=record.value or b"",
        headers=headers,
    )


def dispatch(
    message: type[Message], handlers: Mapping[str, Callable[[Any, Delivery], Awaitable[None]]], *, oneof: str = "event"
) -> Handle:
    """A handle that decodes `message` and calls the handler named as the set case of its oneof with the case's own
    message. Cases without a handler are skipped; what cannot be decoded raises Undecodable."""
    unknown = set(handlers) - {field.name for field in message.DESCRIPTOR.oneofs_by_name[oneof].fields}
    if unknown:
        raise ValueError(f"{message.DESCRIPTOR.full_name} has no event {', '.join(sorted(unknown))}")

    async def handle(delivery: Delivery) -> None:
        decoded = decode(message, delivery)
        case = decoded.WhichOneof(oneof)
        if case in handlers:
            await handlers[case](getattr(decoded, case), delivery)

    return handle


def decode(message: type[Message], delivery: Delivery) -> Any:
    """The delivery's value as `message`. Raises Undecodable."""
    try:
        return message.FromString(delivery.value)
    except DecodeError as error:
        raise Undecodable(f"not a {message.DESCRIPTOR.full_name}") from error


def by_topic(handles: Mapping[str, Handle]) -> Handle:
    """A handle for a consumer of several topics (bare names)."""

    async def handle(delivery: Delivery) -> None:
        await handles[delivery.topic](delivery)

    return handle


def _time_of(text: str, milliseconds: int) -> datetime:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        return datetime.fromtimestamp(max(milliseconds, 0) / 1000, UTC)
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
