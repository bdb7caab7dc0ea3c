"""Author timelines in Cassandra."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from kit.cassandra import Cassandra

from feed_service.model import TOP, Entry, bucket_of, buckets
from feed_service.store.outages import Patience

_ADD = "INSERT INTO author_timeline (author_id, bucket, post_id) VALUES (?, ?, ?) USING TIMESTAMP ?"
_REMOVE = "DELETE FROM author_timeline USING TIMESTAMP ? WHERE author_id = ? AND bucket = ? AND post_id = ?"
_SLICE = "SELECT post_id FROM author_timeline WHERE author_id = ? AND bucket = ? AND post_id < ? LIMIT ?"
_PULLED = "SELECT author_id FROM pulled_author WHERE shard = 0"
_CLEAR = "DELETE FROM author_timeline WHERE author_id = ? AND bucket = ?"


class AuthorRows:
    def __init__(self, cassandra: Cassandra, patience: Patience, *, now: Callable[[], datetime]) -> None:
        self._cassandra, self._patience, self._now = cassandra, patience, now

    async def add(self, entry: Entry, at_us: int) -> None:
        await self._run(_ADD, entry.author_id, bucket_of(entry.post_id), entry.post_id, at_us)

    async def remove(self, entry: Entry, at_us: int) -> None:
        await self._run(_REMOVE, at_us, entry.author_id, bucket_of(entry.post_id), entry.post_id)

    async def slice(self, author_id: int, before: int, limit: int) -> Sequence[Entry]:
        found: list[Entry] = []
        for bucket in buckets(author_id, before, self._now()):
            rows = await self._run(_SLICE, author_id, bucket, before, limit - len(found))
            found += [Entry(row.post_id, author_id) for row in rows]
            if len(found) == limit:
                break
        return found

    async def pulled(self) -> frozenset[int]:
        return frozenset(row.author_id for row in await self._run(_PULLED))

    async def clear(self, author_id: int) -> int:
        """The whole timeline, with what was written before and arrives later. 0 when nothing was there."""
        rows = await self.slice(author_id, TOP, 1)
        for bucket in buckets(author_id, TOP, self._now()):
            await self._run(_CLEAR, author_id, bucket)
        return len(rows)

    async def _run(self, cql: str, *values: int) -> Sequence[Any]:
        async with self._patience.waiting():
            return await self._cassandra.execute(await self._cassandra.prepare(cql), values)
