"""Ids: `unix_ms << 16 | 16 bits`, positive int64. They sort by time; JSON carries them as decimal strings."""

import re
from datetime import UTC, datetime, timedelta

from kit.errors import FieldViolation, InvalidArgument

_DECIMAL = re.compile(r"[1-9][0-9]{0,18}")
_LIMIT = 1 << 63
_RANDOM_BITS = 16
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def parse(text: str, *, field: str | None = None) -> int:
    """The id that `text` spells in its one canonical form. Raises InvalidArgument BAD_ID, blaming `field` if given."""
    if _DECIMAL.fullmatch(text) and (value := int(text)) < _LIMIT:
        return value
    fields = [FieldViolation(field, "not an id")] if field else []
    raise InvalidArgument("BAD_ID", "not an id", fields=fields)


def time_of(entity_id: int) -> datetime:
    """When the id was made, in UTC, to the millisecond."""
    return _EPOCH + (entity_id >> _RANDOM_BITS) * _MILLISECOND


def first_at(moment: datetime) -> int:
    """The lowest id that could be made in the millisecond of `moment`, which must know its time zone."""
    return (moment - _EPOCH) // _MILLISECOND << _RANDOM_BITS
