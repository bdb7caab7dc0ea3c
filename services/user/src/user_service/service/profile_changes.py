"""The one way in which a profile changes: row, version and events in one transaction."""

from collections.abc import Callable

from kit.outbox import Event, Transaction

from user_service.model.accounts import Account, Change, Profile, changes
from user_service.store.accounts import AccountStore


class ProfileChanges:
    """`event_of` puts a change into the words that other services know."""

    def __init__(self, accounts: AccountStore, event_of: Callable[[Change], Event]) -> None:
        self._accounts, self._event_of = accounts, event_of

    async def save(self, transaction: Transaction, before: Account, after: Profile) -> Account:
        """The account's row is locked. Nothing happens when nothing differs."""
        if told := changes(before.profile, after):
            await self._accounts.update(transaction.conn, after)
            await transaction.emit(*map(self._event_of, told))
        return before.with_profile(after)
