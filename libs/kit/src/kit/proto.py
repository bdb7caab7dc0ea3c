"""Between Python's values and protobuf's."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def timestamp(moment: datetime) -> Timestamp:
    """`moment` must know its time zone."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    since = moment - _EPOCH  # a third of what Timestamp.FromDatetime costs
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)


def datetime_of(stamp: Timestamp) -> datetime:
    """In UTC, cut to microseconds."""
    return stamp.ToDatetime(tzinfo=UTC)


def member(number: int, message: bytes) -> bytes:
    """An encoded message as member `number` of another, at most 15. Encoded messages that follow one another are one
    message with the members of all: so what is kept encoded can be sent as it is.

    https://protobuf.dev/programming-guides/encoding
    """
    length, size = len(message), bytearray((number << 3 | 2,))
    while length > 0x7F:
        size.append(length & 0x7F | 0x80)
        length >>= 7
    size.append(length)
    return bytes(size) + message
