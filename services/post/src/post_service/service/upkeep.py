"""Counts anew: every entity is handed to the comparison of its counter with the rows."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from post_service.model.errors import bad_page_token

_STEP = 500


class Rechecked(Protocol):
    async def recheck(self, ids: Sequence[int]) -> None: ...


Ids = Callable[[int, int], Awaitable[Sequence[int]]]


@dataclass(frozen=True)
class Recount:
    """One counter after the other: where its entities come from, by rising id, and what counts them."""

    counters: Sequence[tuple[str, Ids, Rechecked]]

    async def step(self, token: str) -> tuple[int, str, str]:
        """How many were looked at, the next token, and what they are. Raises InvalidArgument BAD_PAGE_TOKEN."""
        place, _, after = (token or "0:0").partition(":")
        if not (place in map(str, range(len(self.counters))) and after.isascii() and after.isdecimal()):
            raise bad_page_token()
        number = int(place)
        name, page, counter = self.counters[number]
        ids = await page(int(after), _STEP)
        await counter.recheck(ids)
        if len(ids) == _STEP:
            return len(ids), f"{number}:{ids[-1]}", name
        following = f"{number + 1}:0" if number + 1 < len(self.counters) else ""
        return len(ids), following, name
