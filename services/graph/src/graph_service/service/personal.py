"""What this service keeps about an account: handed out, and taken away for good."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial

from kit import personal
from kit.personal import Found, Piece, Read

from graph_service.model import rules
from graph_service.model.lists import FIRST_PAGE
from graph_service.model.tags import MOST_FOLLOWED
from graph_service.store.counts import Counts
from graph_service.store.personal import EXPORTED, PersonalRows
from graph_service.store.relations import Relations
from graph_service.store.tags import TagFollows
from graph_service.store.truth import Truth

_PAGE = 1_000
_BATCH = 100
_AT_ONCE = 8


class PersonalData:
    def __init__(
        self, truth: Truth, rows: PersonalRows, tags: TagFollows, relations: Relations, counts: Counts
    ) -> None:
        self._truth, self._rows, self._tags, self._relations, self._counts = truth, rows, tags, relations, counts

    async def export(self, user_id: int, token: str) -> tuple[list[Piece], str]:
        """Raises InvalidArgument BAD_PAGE_TOKEN."""
        arrays: dict[str, Read] = {name: partial(self._page, name, user_id) for name in EXPORTED}
        return await personal.export({**arrays, "followed_tags.json": partial(self._followed_tags, user_id)}, token)

    async def erase(self, user_id: int) -> tuple[bool, int]:
        """As if the account and all others had ended whatever is between them, events included. Marked first: what is
        told late brings nothing back."""
        await self._rows.mark(user_id)
        steps: list[Callable[[int], Awaitable[int]]] = [self._sever, self._unmute, self._untag, self._forget]
        return await personal.erase([partial(step, user_id) for step in steps])

    async def _page(self, name: str, user_id: int, position: str) -> Found:
        edges = await self._rows.page(name, user_id, int(position or 0), _PAGE)
        rows = [{"user_id": edge.user_id, "since": edge.created_at} for edge in edges]
        return Found(rows, str(edges[-1].user_id) if len(edges) == _PAGE else "")

    async def _followed_tags(self, user_id: int, _: str) -> Found:
        """All at once: there are few."""
        found = await self._tags.page(user_id, before=FIRST_PAGE, limit=MOST_FOLLOWED)
        return Found([{"tag": one.tag, "since": one.followed_at} for one in found])

    async def _sever(self, user_id: int) -> int:
        others, slots = await self._rows.others(user_id, _BATCH), asyncio.Semaphore(_AT_ONCE)

        async def sever(other_id: int) -> None:
            async with slots:
                await self._sever_one(user_id, other_id)

        await asyncio.gather(*(sever(other_id) for other_id in others))
        return len(others)

    async def _sever_one(self, user_id: int, other_id: int) -> None:
        async with self._truth.pair(user_id, other_id) as pair:
            changes = await pair.make(rules.sever(user_id, await pair.relation(user_id, other_id)))
        await self._relations.forget(user_id, other_id)
        for change in changes:
            await self._counts.try_apply(change, gone={user_id})

    async def _unmute(self, user_id: int) -> int:
        ended = await self._rows.unmute(user_id, _BATCH)
        await asyncio.gather(*(self._relations.forget(*pair) for pair in ended))
        return len(ended)

    async def _untag(self, user_id: int) -> int:
        """With events: whoever has heard of a followed tag hears that it is not followed any more."""
        found = await self._tags.page(user_id, before=FIRST_PAGE, limit=_BATCH)
        async with self._tags.of(user_id) as own:
            for one in found:
                await own.unfollow(one.tag)
        return len(found)

    async def _forget(self, user_id: int) -> int:
        removed = await self._rows.forget(user_id)
        await self._counts.drop(user_id)
        await self._relations.forget_all(user_id)
        return removed
