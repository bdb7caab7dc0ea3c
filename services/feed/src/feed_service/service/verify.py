"""Comparing what is served with the definition of a home feed, in a system that goes on changing."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from feed_service.model import Shown, parse_token
from feed_service.service.candidates import Candidates
from feed_service.service.home import HomeFeed, Page

_STEP = 100
_BETWEEN_LOOKS_SECONDS = 3.0  # longer than anything that is kept in a process


@dataclass(frozen=True)
class Comparison:
    """Post ids; `next_token` is empty at the end."""

    checked: int
    missing: Sequence[int]
    extra: Sequence[int]
    next_token: str


@dataclass(frozen=True)
class _Look:
    """One stretch of a feed as it is served and as it should be."""

    served: frozenset[int]
    true: frozenset[int]
    next_token: str


class Verify:
    """A difference counts when two looks find it: between two reads of one look, posts and follows may come and go."""

    def __init__(
        self, pages: HomeFeed[Shown], candidates: Candidates, *, between_looks: float = _BETWEEN_LOOKS_SECONDS
    ) -> None:
        self._pages, self._candidates, self._between = pages, candidates, between_looks

    async def step(self, user_id: int, token: str) -> Comparison:
        """At most a hundred posts. Raises Unavailable, InvalidArgument BAD_PAGE_TOKEN."""
        before = parse_token(token)
        look = await self._look(user_id, before)
        missing, extra = look.true - look.served, look.served - look.true
        if missing or extra:
            await asyncio.sleep(self._between)
            again = await self._look(user_id, before)
            missing, extra = missing & (again.true - again.served), extra & (again.served - again.true)
        return Comparison(len(look.true), sorted(missing), sorted(extra), look.next_token)

    async def _look(self, user_id: int, before: int) -> _Look:
        served = await self._pages.page(user_id, _STEP, before)
        true = await self._pages.page_by(self._candidates.by_definition, user_id, _STEP, before)
        # Whichever is shorter of posts reaches further down: only the stretch that both cover is compared.
        floor = max(_end(served), _end(true))
        return _Look(_down_to(floor, served), _down_to(floor, true), str(floor) if floor else "")


def _end(page: Page[Shown]) -> int:
    """0 for a page that ends with the feed."""
    return int(page.next_token or 0)


def _down_to(floor: int, page: Page[Shown]) -> frozenset[int]:
    return frozenset(one.piece.entry.post_id for one in page.posts if one.piece.entry.post_id >= floor)
