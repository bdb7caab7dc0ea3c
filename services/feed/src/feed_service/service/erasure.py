"""An account's timelines go for good. In the timelines of its followers, its posts go as they do when each of them
unfollows: graph tells so when it takes the follows away, and asks nobody to wait for it."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol


class ErasedAccounts(Protocol):
    """Accounts that are gone for good."""

    async def mark(self, user_id: int) -> None: ...

    async def is_marked(self, user_id: int) -> bool: ...


class Timelines(Protocol):
    async def clear(self, user_id: int, /) -> int:
        """Everything of the account, also what was written before and comes later. Answers 0 when nothing was there."""
        ...


class WarmTimelines(Protocol):
    async def drop(self, user_id: int) -> None: ...


class AtHand(Protocol):
    async def forget(self, user_id: int) -> None: ...


class IdleAccounts(Protocol):
    async def leave(self, user_id: int) -> int | None: ...


Forget = Callable[[int], Awaitable[int]]
"""Takes away something more of the account; answers how many things."""


class Erasure:
    """May be repeated, and what is written late stays away: rows carry the time of what they tell of, which is before
    the deletion's."""

    def __init__(
        self,
        erased: ErasedAccounts,
        home: Timelines,
        authors: Timelines,
        marks: Timelines,
        warm: WarmTimelines,
        at_hand: AtHand,
        idle: IdleAccounts,
        forgetting: Sequence[Forget] = (),
    ) -> None:
        self._erased, self._home, self._authors, self._marks = erased, home, authors, marks
        self._warm, self._at_hand, self._idle = warm, at_hand, idle
        self._forgetting = forgetting

    async def erase(self, user_id: int) -> int:
        """Marked first: from then on no chunk of the fan-out brings the account's posts to anybody. Raises Unavailable
        while a store is away."""
        await self._erased.mark(user_id)
        removed = await self._home.clear(user_id) + await self._authors.clear(user_id)
        removed += await self._marks.clear(user_id)
        await self._warm.drop(user_id)
        await self._at_hand.forget(user_id)
        await self._idle.leave(user_id)
        for forget in self._forgetting:
            removed += await forget(user_id)
        return removed
