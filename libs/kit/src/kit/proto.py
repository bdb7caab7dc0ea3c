"""Between Python's values and protobuf's well-known types."""

from datetime import UTC, datetime

from google.protobuf.timestamp_pb2 import Timestamp


def timestamp(moment: datetime) -> Timestamp:
    """`moment` must know its time zone."""
    if moment.tzinfo is None:
        raise ValueError("a time without a zone")
    stamp = Timestamp()
    stamp.FromDatetime(moment)
    return stamp


def datetime_of(stamp: Timestamp) -> datetime:
    """In UTC, cut to microseconds."""
    return stamp.ToDatetime(tzinfo=UTC)
