"""Home rows of a chunk of followers, in batches that each have one set of replicas.

Values are handed to the driver as they go over the wire: an id is 8 bytes big-endian there, as it is in the chunk.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from cassandra.metadata import Murmur3Token
from cassandra.query import BatchStatement, BatchType, BoundStatement
from kit import faults
from kit.cassandra import Cassandra

from feed_service.model import ID_BYTES, Chunk, pack
from feed_service.store.home import BATCH_ROWS, INSERT


class ChunkRows:
    """At most `in_flight` batches at once, over all chunks of a lane."""

    def __init__(self, cassandra: Cassandra, *, in_flight: int) -> None:
        self._cassandra, self._slots = cassandra, asyncio.Semaphore(in_flight)

    async def write(self, chunk: Chunk) -> None:
        """Returns when all rows are written; writing them again changes nothing. Raises what the driver raises."""
        followers = [chunk.followers[at : at + ID_BYTES] for at in range(0, len(chunk.followers), ID_BYTES)]
        post, author, at_us = (pack([one]) for one in (chunk.entry.post_id, chunk.entry.author_id, chunk.at_us))
        insert = await self._cassandra.prepare(INSERT)
        async with asyncio.TaskGroup() as group:
            for keys in self._batches(followers):
                group.create_task(self._send(_batch(insert, keys, [post, author, at_us])))

    async def _send(self, batch: BatchStatement) -> None:
        async with self._slots:
            await self._cassandra.execute(batch)
        faults.point("fanout_mid_batch")

    def _batches(self, keys: Iterable[bytes]) -> Sequence[Sequence[bytes]]:
        """In the ring's order, grouped by who holds them, as the ring is now."""
        groups: dict[Any, list[bytes]] = {}
        for token, key in sorted((Murmur3Token.from_key(key), key) for key in keys):
            groups.setdefault(self._replicas(token), []).append(key)
        return [
            group[start : start + BATCH_ROWS] for group in groups.values() for start in range(0, len(group), BATCH_ROWS)
        ]

    def _replicas(self, token: Murmur3Token) -> Any:
        """One name for all tokens while the driver does not know the ring."""
        session = self._cassandra.session
        ring: Any = session.cluster.metadata.token_map
        return frozenset(ring.get_replicas(session.keyspace, token)) if ring else None


def _batch(insert: Any, keys: Sequence[bytes], rest: Sequence[bytes]) -> BatchStatement:
    """The coordinator is a replica of the first row, and so of all."""
    batch = BatchStatement(batch_type=BatchType.UNLOGGED)
    for key in keys:
        bound = BoundStatement(insert)
        bound.values = [key, *rest]
        batch.add(bound)
    batch.is_idempotent = True
    return batch
