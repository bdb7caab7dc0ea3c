"""What the user service tells of accounts."""

import asyncio

from kit.errors import Unavailable

from graph_service.model.lists import Edge
from graph_service.model.relations import Account
from graph_service.service.changes import Changes
from graph_service.service.peers import Users
from graph_service.store.accounts import Accounts
from graph_service.store.lists import Lists

_AT_ONCE = 8
_PAGE = 200


class News:
    def __init__(self, changes: Changes, accounts: Accounts, lists: Lists, users: Users) -> None:
        self._changes = changes
        self._accounts = accounts
        self._lists = lists
        self._users = users

    async def state_changed(self, told: Account, *, active: bool) -> None:
        """Lists leave out who is not active. All that is kept between accounts stays: they may come back."""
        await self._accounts.set_hidden(told.id, hidden=not active, version=told.version)
        if active:
            await self.accept_all(told)  # who went public and was suspended before this had been heard of

    async def accept_all(self, told: Account) -> None:
        """Accepts every request that was pending when the account went public, if it still is public: the news may be
        old. Raises Unavailable while the user service does not know of it yet.

        Whoever asks after `moment` is left alone, for the account may have gone private again. Nobody else is missed:
        whoever asked before it is listed, or their transaction ends after it, and then they find the account public.
        """
        account = None if told.private else await self._users.account(told.id)
        while account is not None and not account.private:
            if account.version < told.version:
                raise Unavailable("USER_BEHIND", "a backing service is behind", retry_after=1)
            moment = await self._accounts.moment()
            later = await self._users.account(told.id)
            if later == account:
                await self._accept_before(moment, told.id)
                return
            account = later

    async def _accept_before(self, moment: int, user_id: int) -> None:
        before, accepting = moment, asyncio.Semaphore(_AT_ONCE)

        async def accept(edge: Edge) -> None:
            async with accepting:
                await self._changes.accept_asked_before(moment, user_id, edge.user_id)

        while edges := await self._lists.pending(user_id, before=before, limit=_PAGE):
            await asyncio.gather(*(accept(edge) for edge in edges))
            before = edges[-1].id
