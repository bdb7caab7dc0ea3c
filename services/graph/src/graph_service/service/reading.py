"""Relations, lists and counts, as a viewer may see them."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from graph_service.model import lists as pages
from graph_service.model import rules
from graph_service.model.lists import Counts, Page, Part
from graph_service.model.packed import PackedRelations
from graph_service.model.relations import Relation
from graph_service.service.peers import Users
from graph_service.store.counts import Counts as CountStore
from graph_service.store.lists import Lists
from graph_service.store.packed import Packed
from graph_service.store.relations import Relations

Fetch = Callable[..., Awaitable[Part]]


class Reading:
    def __init__(self, relations: Relations, lists: Lists, packed: Packed, counts: CountStore, users: Users) -> None:
        self._relations = relations
        self._lists = lists
        self._packed = packed
        self._counts = counts
        self._users = users

    async def relationships(self, viewer_id: int, ids: Sequence[int]) -> list[Relation]:
        """One for each of the ids, in their order. Raises InvalidArgument TOO_MANY_IDS."""
        pages.check_batch(ids)
        others = [user_id for user_id in dict.fromkeys(ids) if user_id != viewer_id and viewer_id]
        found = await self._relations.get(viewer_id, others)
        return [found.get(user_id, Relation(user_id)) for user_id in ids]

    async def followers(self, viewer_id: int, user_id: int, size: int, token: str) -> Page:
        """Raises NotFound when the viewer may not see the list, InvalidArgument BAD_PAGE_TOKEN."""
        return await self._page_of_another(self._lists.followers, viewer_id, user_id, size, token)

    async def following(self, viewer_id: int, user_id: int, size: int, token: str) -> Page:
        """As followers."""
        return await self._page_of_another(self._lists.following, viewer_id, user_id, size, token)

    async def requests(self, viewer_id: int, size: int, token: str) -> Page:
        """As the following ones, raises Unauthenticated, InvalidArgument BAD_PAGE_TOKEN."""
        return await self._own_page(self._lists.requests, viewer_id, size, token)

    async def blocks(self, viewer_id: int, size: int, token: str) -> Page:
        return await self._own_page(self._lists.blocks, viewer_id, size, token)

    async def mutes(self, viewer_id: int, size: int, token: str) -> Page:
        return await self._own_page(self._lists.mutes, viewer_id, size, token)

    async def close_friends(self, viewer_id: int, size: int, token: str) -> Page:
        return await self._own_page(self._lists.close_friends, viewer_id, size, token)

    async def counts(self, ids: Sequence[int]) -> list[Counts]:
        """One for each of the ids, in their order. Raises InvalidArgument TOO_MANY_IDS."""
        pages.check_batch(ids)
        found = await self._counts.get(list(dict.fromkeys(ids)))
        return [found[user_id] for user_id in ids]

    async def pack_followers(self, user_id: int, after: int, size: int) -> tuple[bytes, int]:
        """Ids in rising order, 8 bytes big-endian each, and the last of them: 0 when no more follow."""
        return await self._lists.pack_followers(user_id, after=after, limit=size)

    async def pack_following(self, user_id: int, after: int, size: int) -> tuple[bytes, int]:
        """As pack_followers."""
        return await self._lists.pack_following(user_id, after=after, limit=size)

    async def pack_relations(self, user_id: int, after: int, size: int) -> PackedRelations:
        """Never from a replica."""
        return await self._packed.relations(user_id, after=after, limit=size)

    async def _page_of_another(self, fetch: Fetch, viewer_id: int, user_id: int, size: int, token: str) -> Page:
        before = pages.before_of(token)
        await self._check_lists_visible(viewer_id, user_id)
        return pages.page_of(await fetch(user_id, viewer_id, before=before, limit=size + 1), size)

    async def _own_page(self, fetch: Fetch, viewer_id: int, size: int, token: str) -> Page:
        before = pages.before_of(token)
        rules.check_signed_in(viewer_id)
        return pages.page_of(await fetch(viewer_id, before=before, limit=size + 1), size)

    async def _check_lists_visible(self, viewer_id: int, user_id: int) -> None:
        if viewer_id == user_id:
            return
        account, relations = await asyncio.gather(
            self._users.account(user_id), self.relationships(viewer_id, [user_id])
        )
        rules.check_lists_visible(viewer_id, account, relations[0])
