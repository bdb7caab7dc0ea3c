"""Accounts that are gone for good."""

from kit.cassandra import Cassandra

from feed_service.store.outages import Patience

_MARK = "INSERT INTO erased_account (user_id) VALUES (?)"
_IS_MARKED = "SELECT user_id FROM erased_account WHERE user_id = ?"


class ErasedRows:
    def __init__(self, cassandra: Cassandra, patience: Patience) -> None:
        self._cassandra, self._patience = cassandra, patience

    async def mark(self, user_id: int) -> None:
        async with self._patience.waiting():
            await self._cassandra.execute(_MARK, (user_id,))

    async def is_marked(self, user_id: int) -> bool:
        async with self._patience.waiting():
            return bool(await self._cassandra.execute(_IS_MARKED, (user_id,)))
