"""What a service keeps about one owner: handed out as files in pages, and taken away step by step.

An archive is made of JSON arrays that are longer than a page. Each page carries some of their rows, and whoever joins
the pieces of a path in the order in which they came has the whole file.
"""

import json
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from kit.errors import InvalidArgument

_SECONDS = 5.0


@dataclass(frozen=True)
class Piece:
    """Part of the file at `path`: its bytes, or the key of the object that is the file."""

    path: str
    content: bytes = b""
    object_key: str = ""


@dataclass(frozen=True)
class Found:
    """Rows of an array, and files that go with them. `following` is where the next ones begin; empty at the end, and
    always when there are no rows."""

    rows: Sequence[Mapping[str, Any]] = ()
    following: str = ""
    files: Sequence[Piece] = ()


Read = Callable[[str], Awaitable[Found]]
Step = Callable[[], Awaitable[int]]


async def export(arrays: Mapping[str, Read], token: str) -> tuple[list[Piece], str]:
    """The page that `token` names of the arrays by their paths, and the next page's token, which is empty at the end.
    Raises InvalidArgument BAD_PAGE_TOKEN."""
    number, _, position = token.partition(":")
    names = list(arrays)
    index = int(number) if number.isdecimal() else 0
    if (token and not number.isdecimal()) or index >= len(names):
        raise InvalidArgument("BAD_PAGE_TOKEN", "the page token is not one of this list")
    found = await arrays[names[index]](position)
    pieces = [Piece(names[index], _part_of_array(found, first=not position)), *found.files]
    if found.following:
        return pieces, f"{index}:{found.following}"
    return pieces, f"{index + 1}:" if index + 1 < len(names) else ""


async def erase(
    steps: Iterable[Step], *, seconds: float = _SECONDS, clock: Callable[[], float] = time.monotonic
) -> tuple[bool, int]:
    """Takes each step until it has nothing left to remove (it answers 0), one after the other, for about `seconds`.
    Answers whether all of them came to their end, and how much was removed."""
    until, removed = clock() + seconds, 0
    for step in steps:
        while done := await step():
            removed += done
            if clock() >= until:
                return False, removed
    return True, removed


def _part_of_array(found: Found, *, first: bool) -> bytes:
    rows = ",\n".join(json.dumps(_plain(row), ensure_ascii=False, default=_text) for row in found.rows)
    before = "[\n" if first else ",\n" if rows else ""
    after = "" if found.following else "\n]\n"
    return f"{before}{rows}{after}".encode()


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Ids as the REST interface writes them: decimal strings."""
    return {name: str(value) if _is_id(name, value) else value for name, value in row.items()}


def _is_id(name: str, value: object) -> bool:
    return isinstance(value, int) and (name == "id" or name.endswith("_id"))


def _text(value: object) -> str:
    return value.isoformat() if isinstance(value, date | datetime) else str(value)
