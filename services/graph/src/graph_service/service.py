"""What can be done with the graph, one method an intent."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Protocol

from kit.errors import Unavailable

from graph_service import model
from graph_service.model import Account, Change, Edge, Page, Relation, Step
from graph_service.store.counts import Counts
from graph_service.store.lists import Lists
from graph_service.store.relations import Relations
from graph_service.store.truth import Truth

_AT_ONCE = 100


class Users(Protocol):
    async def account(self, user_id: int) -> Account | None:
        """None unless there is such an account and it is active."""
        ...


class Fetch(Protocol):
    """A list's edges with ids below `before`, newest first."""

    def __call__(self, *, before: int, limit: int) -> Awaitable[list[Edge]]: ...


class Graph:
    """Every change may be repeated: what is so already is answered as it is, without an event."""

    def __init__(self, truth: Truth, relations: Relations, lists: Lists, counts: Counts, users: Users) -> None:
        self._truth = truth
        self._relations = relations
        self._lists = lists
        self._counts = counts
        self._users = users

    async def follow(self, viewer_id: int, user_id: int) -> Relation:
        """Asks to follow when the account is private. Raises NotFound, FailedPrecondition BLOCKED_BY_VIEWER,
        InvalidArgument SELF_FOLLOW."""
        model.check_pair(viewer_id, user_id)
        account = await self._existing(user_id)
        return await self._change(viewer_id, user_id, lambda now: model.follow(viewer_id, now, private=account.private))

    async def unfollow(self, viewer_id: int, user_id: int) -> Relation:
        return await self._change(viewer_id, user_id, partial(model.unfollow, viewer_id))

    async def block(self, viewer_id: int, user_id: int) -> Relation:
        """Raises NotFound when there is no such account."""
        model.check_pair(viewer_id, user_id)
        await self._existing(user_id)
        return await self._change(viewer_id, user_id, partial(model.block, viewer_id))

    async def unblock(self, viewer_id: int, user_id: int) -> Relation:
        return await self._change(viewer_id, user_id, partial(model.unblock, viewer_id))

    async def mute(self, viewer_id: int, user_id: int) -> Relation:
        """Raises NotFound when there is no such account for the viewer."""
        model.check_pair(viewer_id, user_id)
        await self._existing(user_id)
        return await self._change(viewer_id, user_id, partial(model.mute, viewer_id))

    async def unmute(self, viewer_id: int, user_id: int) -> Relation:
        return await self._change(viewer_id, user_id, partial(model.unmute, viewer_id))

    async def accept(self, viewer_id: int, user_id: int) -> Relation:
        """Raises NotFound when the account has not asked."""
        return await self._change(viewer_id, user_id, partial(model.accept, viewer_id))

    async def accept_all(self, told: Account) -> None:
        """Accepts every pending request when the account `told` of is public, and still is: the news may be old.
        Raises Unavailable while the user service does not know of it yet."""
        account = None if told.private else await self._users.account(told.id)
        if account is None:
            return
        if account.version < told.version:
            raise Unavailable("USER_BEHIND", "a backing service is behind", retry_after=1)
        while not account.private and (
            edges := await self._lists.requests(told.id, before=model.FIRST_PAGE, limit=_AT_ONCE)
        ):
            for edge in edges:
                await self._change(told.id, edge.user_id, partial(model.accept_if_asked, told.id))

    async def reject(self, viewer_id: int, user_id: int) -> Relation:
        return await self._change(viewer_id, user_id, partial(model.reject, viewer_id))

    async def remove_follower(self, viewer_id: int, user_id: int) -> Relation:
        return await self._change(viewer_id, user_id, partial(model.remove_follower, viewer_id))

    async def relationships(self, viewer_id: int, ids: Sequence[int]) -> list[Relation]:
        """One for each of the ids, in their order. Raises InvalidArgument TOO_MANY_IDS."""
        model.check_batch(ids)
        others = [user_id for user_id in dict.fromkeys(ids) if user_id != viewer_id and viewer_id]
        found = await self._relations.get(viewer_id, others)
        return [found.get(user_id, Relation(user_id)) for user_id in ids]

    async def followers(self, viewer_id: int, user_id: int, size: int, token: str) -> Page:
        """Raises NotFound when the viewer may not see the list, InvalidArgument BAD_PAGE_TOKEN."""
        before = model.before_of(token)
        await self._check_lists_visible(viewer_id, user_id)
        return await self._visible_page(viewer_id, partial(self._lists.followers, user_id), size, before)

    async def following(self, viewer_id: int, user_id: int, size: int, token: str) -> Page:
        """As followers."""
        before = model.before_of(token)
        await self._check_lists_visible(viewer_id, user_id)
        return await self._visible_page(viewer_id, partial(self._lists.following, user_id), size, before)

    async def requests(self, viewer_id: int, size: int, token: str) -> Page:
        return await self._own_page(viewer_id, self._lists.requests, size, token)

    async def blocks(self, viewer_id: int, size: int, token: str) -> Page:
        return await self._own_page(viewer_id, self._lists.blocks, size, token)

    async def mutes(self, viewer_id: int, size: int, token: str) -> Page:
        return await self._own_page(viewer_id, self._lists.mutes, size, token)

    async def counts(self, ids: Sequence[int]) -> list[model.Counts]:
        """One for each of the ids, in their order. Raises InvalidArgument TOO_MANY_IDS."""
        model.check_batch(ids)
        found = await self._counts.get(list(dict.fromkeys(ids)))
        return [found[user_id] for user_id in ids]

    async def pack_followers(self, user_id: int, after: int, size: int) -> tuple[bytes, int]:
        """Ids in rising order, 8 bytes big-endian each, and the last of them: 0 when no more follow."""
        return await self._lists.pack_followers(user_id, after=after, limit=size)

    async def pack_following(self, user_id: int, after: int, size: int) -> tuple[bytes, int]:
        """As pack_followers."""
        return await self._lists.pack_following(user_id, after=after, limit=size)

    async def settle(self, change: Change) -> None:
        """Brings the views up to a change that is committed; may be repeated."""
        await self._relations.renew(change.step.actor_id, change.step.target_id)
        await self._counts.apply(change)

    async def _change(self, viewer_id: int, user_id: int, decide: Callable[[Relation], Sequence[Step]]) -> Relation:
        """Makes what `decide` answers to the relation as it is, and hands back the relation after that."""
        model.check_pair(viewer_id, user_id)
        async with self._truth.pair(viewer_id, user_id) as pair:
            relation = await pair.relation(viewer_id, user_id)
            if steps := decide(relation):
                changes = await pair.make(steps)
                relation = await pair.relation(viewer_id, user_id)
            else:
                changes = []
        # Also when nothing changed: whoever made the change may have died before this.
        await self._relations.renew(viewer_id, user_id)
        for change in changes:
            await self._counts.try_apply(change)
        return relation

    async def _existing(self, user_id: int) -> Account:
        account = await self._users.account(user_id)
        if account is None:
            raise model.user_not_found()
        return account

    async def _check_lists_visible(self, viewer_id: int, user_id: int) -> None:
        if viewer_id == user_id:
            return
        account, relations = await asyncio.gather(
            self._users.account(user_id), self.relationships(viewer_id, [user_id])
        )
        model.check_lists_visible(viewer_id, account, relations[0])

    async def _visible_page(self, viewer_id: int, fetch: Fetch, size: int, before: int) -> Page:
        """Without those between whom and the viewer there is a block; short only at the end of the list."""
        kept: list[Edge] = []
        while True:
            edges = await fetch(before=before, limit=size + 1)
            hidden = await self._hidden(viewer_id, edges)
            kept += [edge for edge in edges if edge.user_id not in hidden]
            if len(kept) > size or len(edges) <= size:
                return model.page_of(kept, size)
            before = edges[-1].id

    async def _hidden(self, viewer_id: int, edges: Sequence[Edge]) -> set[int]:
        if not viewer_id or not edges:
            return set()
        return await self._lists.blocked_among(viewer_id, [edge.user_id for edge in edges])

    async def _own_page(
        self, viewer_id: int, fetch: Callable[..., Awaitable[list[Edge]]], size: int, token: str
    ) -> Page:
        before = model.before_of(token)
        if viewer_id <= 0:
            raise model.signed_out()
        return model.page_of(await fetch(viewer_id, before=before, limit=size + 1), size)
