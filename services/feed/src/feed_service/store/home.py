"""Home timelines in Cassandra: single accounts' reads and writes."""

import asyncio
import time
from collections.abc import Sequence
from typing import Any

from cassandra.query import BatchStatement, BatchType
from kit.cassandra import Cassandra

from feed_service.model import ROWS_TTL_SECONDS, Entry
from feed_service.model.crossing import NEVER
from feed_service.store.outages import Patience

BATCH_ROWS = 50  # stays under the 5 KiB above which Cassandra warns

INSERT = f"""
INSERT INTO home_timeline (user_id, post_id, author_id) VALUES (?, ?, ?)
USING TTL {ROWS_TTL_SECONDS} AND TIMESTAMP ?
"""  # noqa: S608 a number of ours
_DELETE = "DELETE FROM home_timeline USING TIMESTAMP ? WHERE user_id = ? AND post_id = ? AND author_id = ?"
_SLICE = """
SELECT post_id, author_id FROM home_timeline WHERE user_id = ? AND post_id < ? AND post_id >= ? LIMIT ?
"""
_OF_AUTHOR = """
SELECT post_id, author_id FROM home_timeline WHERE user_id = ? AND author_id = ? AND post_id < ? LIMIT ? ALLOW FILTERING
"""  # filters within one partition
_COMPLETE_FROM = "SELECT complete_from FROM home_state WHERE user_id = ?"
_CLEAR = "DELETE FROM home_timeline WHERE user_id = ?"
_EMPTY = "DELETE FROM home_timeline USING TIMESTAMP ? WHERE user_id = ?"
_FORGET = "DELETE FROM home_state USING TIMESTAMP ? WHERE user_id = ?"
_SET_COMPLETE_FROM = "UPDATE home_state USING TIMESTAMP ? SET complete_from = ? WHERE user_id = ?"
_REMOVED = "SELECT removed FROM home_state WHERE user_id = ?"
_SET_REMOVED = "UPDATE home_state SET removed = ? WHERE user_id = ?"

_AT_ONCE = 8  # batches
_PAGE = 1_000
_TOP = (1 << 63) - 1
_AHEAD_US = 3_600_000_000  # accounts that become idle are voided ahead of time


class HomeRows:
    def __init__(self, cassandra: Cassandra, patience: Patience) -> None:
        self._cassandra, self._patience = cassandra, patience

    async def complete_from(self, user_id: int) -> int | None:
        rows = await self._run(_COMPLETE_FROM, user_id)
        return rows[0].complete_from if rows and rows[0].complete_from != NEVER else None

    async def set_complete_from(self, user_id: int, post_id: int, at_us: int) -> None:
        await self._run(_SET_COMPLETE_FROM, at_us, post_id, user_id)

    async def count_removed(self, user_id: int, rows: int) -> int:
        """Not exact when several count at once: what it guards is a matter of hundreds, more or less."""
        found = await self._run(_REMOVED, user_id)
        removed = rows + (found[0].removed or 0 if found else 0)
        await self._run(_SET_REMOVED, removed, user_id)
        return removed

    async def empty(self, user_id: int, at_us: int) -> None:
        """One tombstone for all rows. In this order: whoever finds rows gone finds that they are not complete."""
        await self._run(_SET_COMPLETE_FROM, at_us, NEVER, user_id)
        await self._run(_EMPTY, at_us, user_id)
        await self._run(_SET_REMOVED, 0, user_id)

    async def slice(self, user_id: int, before: int, floor: int, limit: int) -> Sequence[Entry]:
        return _entries(await self._run(_SLICE, user_id, before, floor, limit))

    async def of_author(self, user_id: int, author_id: int) -> Sequence[Entry]:
        found: list[Entry] = []
        while True:
            before = found[-1].post_id if found else _TOP
            page = _entries(await self._run(_OF_AUTHOR, user_id, author_id, before, _PAGE))
            found += page
            if len(page) < _PAGE:
                return found

    async def clear(self, user_id: int) -> int:
        """The whole timeline, with what was written before and arrives later. 0 when nothing was there."""
        rows, known = await self.slice(user_id, _TOP, 0, 1), await self.complete_from(user_id)
        await self._run(_CLEAR, user_id)
        await self._run(_FORGET, time.time_ns() // 1_000 + _AHEAD_US, user_id)
        return len(rows) + (known is not None)

    async def add(self, user_id: int, entries: Sequence[Entry], at_us: int) -> None:
        await self._write(INSERT, [(user_id, entry.post_id, entry.author_id, at_us) for entry in entries])

    async def remove(self, user_id: int, entries: Sequence[Entry], at_us: int) -> None:
        await self._write(_DELETE, [(at_us, user_id, entry.post_id, entry.author_id) for entry in entries])

    async def _write(self, cql: str, rows: Sequence[tuple[int, ...]]) -> None:
        """Of one partition, so that each batch is one write of its replicas."""
        for start in range(0, len(rows), BATCH_ROWS * _AT_ONCE):
            await self._write_some(cql, rows[start : start + BATCH_ROWS * _AT_ONCE])

    async def _write_some(self, cql: str, rows: Sequence[tuple[int, ...]]) -> None:
        async with self._patience.waiting():
            statement = await self._cassandra.prepare(cql)
            batches = (_batch(statement, rows[start : start + BATCH_ROWS]) for start in range(0, len(rows), BATCH_ROWS))
            await asyncio.gather(*(self._cassandra.execute(batch) for batch in batches))

    async def _run(self, cql: str, *values: int) -> Sequence[Any]:
        async with self._patience.waiting():
            return await self._cassandra.execute(await self._cassandra.prepare(cql), values)


def _batch(statement: Any, rows: Sequence[tuple[int, ...]]) -> BatchStatement:
    batch = BatchStatement(batch_type=BatchType.UNLOGGED)
    for row in rows:
        batch.add(statement, row)
    batch.is_idempotent = True
    return batch


def _entries(rows: Sequence[Any]) -> Sequence[Entry]:
    return [Entry(row.post_id, row.author_id) for row in rows]
