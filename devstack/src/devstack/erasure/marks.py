"""What an account is known by, in every form in which a store may hold it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

_LONGEST_VARINT = 10


@dataclass(frozen=True)
class Marks:
    """`user_id` is 0 when only texts are known: usernames, e-mail addresses."""

    user_id: int
    texts: Sequence[str] = ()

    @cached_property
    def pattern(self) -> str:
        """For Postgres and Python alike: ids in decimal and in the hex of 64 bits, texts as words without regard to
        case."""
        ids = [rf"(^|[^0-9])({self.user_id})([^0-9]|$)", f"{self.user_id:016x}"] if self.user_id else []
        return "|".join([*ids, *([self.words] if self.words else [])])

    @cached_property
    def words(self) -> str:
        """The texts alone; empty without any."""
        found = [rf"(^|[^A-Za-z0-9_]){re.escape(text)}([^A-Za-z0-9_]|$)" for text in self.texts if text]
        return "|".join(found)

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.pattern, re.IGNORECASE)

    @cached_property
    def _raw(self) -> Sequence[bytes]:
        """As packed lists of ids and protobuf hold it."""
        return [self.user_id.to_bytes(8, "big"), varint(self.user_id)] if self.user_id else []

    def are_in(self, value: object) -> bool:
        """`value` may be nested: tuples, lists, dicts, of texts, numbers and bytes."""
        if isinstance(value, bytes):
            return any(form in value for form in self._raw) or self.are_in(value.decode("latin-1"))
        return bool(self._compiled.search(value if isinstance(value, str) else repr(value)))


def varint(number: int) -> bytes:
    """Protocol Buffers' encoding of a number that is not negative."""
    out = bytearray()
    for _ in range(_LONGEST_VARINT):
        low, number = number & 0x7F, number >> 7
        out.append(low | 0x80 if number else low)
        if not number:
            break
    return bytes(out)
