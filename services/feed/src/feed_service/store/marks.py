"""Authors who are merged at read, in Cassandra. All changes are lightweight transactions: of two that contradict each
other one does not happen."""

from collections.abc import Mapping, Sequence
from typing import Any

from kit.cassandra import Cassandra

from feed_service.model.crossing import Mark
from feed_service.store.outages import Patience

_ALL = "SELECT author_id, since_us, returning_us FROM pulled_author WHERE shard = 0"
_ONE = "SELECT author_id, since_us, returning_us FROM pulled_author WHERE shard = 0 AND author_id = ?"
_MARK = "INSERT INTO pulled_author (shard, author_id, since_us) VALUES (0, ?, ?) IF NOT EXISTS"
_MARK_AGAIN = """
UPDATE pulled_author SET since_us = ?, returning_us = null WHERE shard = 0 AND author_id = ? IF returning_us = ?
"""
_RETURN = """
UPDATE pulled_author SET returning_us = ? WHERE shard = 0 AND author_id = ? IF since_us = ? AND returning_us = null
"""
_UNMARK = "DELETE FROM pulled_author WHERE shard = 0 AND author_id = ? IF returning_us = ?"
_CLEAR = "DELETE FROM pulled_author WHERE shard = 0 AND author_id = ? IF EXISTS"


class AuthorMarks:
    """Raises Unavailable CASSANDRA_UNAVAILABLE."""

    def __init__(self, cassandra: Cassandra, patience: Patience) -> None:
        self._cassandra, self._patience = cassandra, patience

    async def all(self) -> Mapping[int, Mark]:
        return {row.author_id: _mark(row) for row in await self._run(_ALL)}

    async def of(self, author_id: int) -> Mark | None:
        rows = await self._run(_ONE, author_id)
        return _mark(rows[0]) if rows else None

    async def mark(self, author_id: int, since_us: int) -> None:
        if await self._applied(_MARK, author_id, since_us):
            return
        mark = await self.of(author_id)
        if mark and mark.returning_us is not None:
            await self._applied(_MARK_AGAIN, since_us, author_id, mark.returning_us)

    async def begin_return(self, author_id: int, mark: Mark, at_us: int) -> bool:
        return await self._applied(_RETURN, at_us, author_id, mark.since_us or None)

    async def unmark(self, author_id: int, returning_us: int) -> bool:
        return await self._applied(_UNMARK, author_id, returning_us)

    async def clear(self, author_id: int) -> int:
        """1 when there was a mark."""
        return int(await self._applied(_CLEAR, author_id))

    async def _applied(self, cql: str, *values: Any) -> bool:
        return bool((await self._run(cql, *values))[0][0])

    async def _run(self, cql: str, *values: Any) -> Sequence[Any]:
        async with self._patience.waiting():
            return await self._cassandra.execute(await self._cassandra.prepare(cql), values)


def _mark(row: Any) -> Mark:
    return Mark(row.since_us or 0, row.returning_us)
