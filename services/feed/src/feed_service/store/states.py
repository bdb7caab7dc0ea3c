"""What is known of home timelines as a whole: from where on their rows are complete, when they were last read."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from kit.cassandra import Cassandra

from feed_service.model.crossing import NEVER
from feed_service.model.sweeping import State
from feed_service.store.outages import Patience

_PAGE = """
SELECT user_id, complete_from, last_read, token(user_id) AS place, WRITETIME(complete_from) AS built_us
FROM home_state WHERE token(user_id) > ? LIMIT ?
"""
_NOTE_READ = "UPDATE home_state SET last_read = ? WHERE user_id = ?"
_SET_COMPLETE_FROM = "UPDATE home_state USING TIMESTAMP ? SET complete_from = ? WHERE user_id = ?"

_AT_ONCE = 16
RING_BEGINS = -(1 << 63)


class HomeStates:
    """Raises Unavailable CASSANDRA_UNAVAILABLE."""

    def __init__(self, cassandra: Cassandra, patience: Patience) -> None:
        self._cassandra, self._patience = cassandra, patience

    async def page(self, after: int, limit: int) -> Sequence[State]:
        """In the ring's order, above the place `after`; shorter than `limit` only at the ring's end."""
        return [_state(row) for row in await self._run(_PAGE, after, limit)]

    async def note_reads(self, user_ids: Sequence[int], at: Sequence[datetime]) -> None:
        await self._each(_NOTE_READ, [(moment, one) for one, moment in zip(user_ids, at, strict=True)])

    async def void(self, user_ids: Sequence[int], before_us: int) -> None:
        """Nothing of their timelines counts as complete, and nothing that is said so before `before_us` will. No
        deletion: reads over the table meet no tombstones."""
        await self._each(_SET_COMPLETE_FROM, [(before_us, NEVER, one) for one in user_ids])

    async def _each(self, cql: str, rows: Sequence[tuple[Any, ...]]) -> None:
        for start in range(0, len(rows), _AT_ONCE):
            await asyncio.gather(*(self._run(cql, *row) for row in rows[start : start + _AT_ONCE]))

    async def _run(self, cql: str, *values: Any) -> Sequence[Any]:
        async with self._patience.waiting():
            return await self._cassandra.execute(await self._cassandra.prepare(cql), values)


def _state(row: Any) -> State:
    return State(
        place=row.place,
        user_id=row.user_id,
        is_void=row.complete_from is None or row.complete_from == NEVER,
        built_us=row.built_us or 0,
        last_read=row.last_read and row.last_read.replace(tzinfo=UTC),
    )
