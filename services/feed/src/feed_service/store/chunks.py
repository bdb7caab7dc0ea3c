"""Home rows of a chunk of followers, in batches that each have one set of replicas.

Values are handed to the driver as they go over the wire: an id is 8 bytes big-endian there, as it is in the chunk.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Hashable, Iterator, Sequence
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

    def _batches(self, keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
        """In the ring's order, grouped by who holds them, as the ring is now."""
        groups: dict[Hashable, list[bytes]] = {}
        replicas = self._replicas()
        for token, key in sorted((Murmur3Token.hash_fn(key), key) for key in keys):
            groups.setdefault(replicas(token), []).append(key)
        for group in groups.values():
            for start in range(0, len(group), BATCH_ROWS):
                yield group[start : start + BATCH_ROWS]

    def _replicas(self) -> Callable[[int], Hashable]:
        """Names the replicas of a token; all alike while the driver does not know the ring."""
        session = self._cassandra.session
        known: Any = session.cluster.metadata.token_map
        if not known:
            return lambda _: None
        ends = [token.value for token in known.ring]  # of the ranges, inclusive
        names = [frozenset(known.get_replicas(session.keyspace, token)) for token in known.ring]
        return lambda token: names[bisect_left(ends, token) % len(ends)]


def _batch(insert: Any, keys: Sequence[bytes], rest: Sequence[bytes]) -> BatchStatement:
    """The coordinator is a replica of the first row, and so of all."""
    batch = BatchStatement(batch_type=BatchType.UNLOGGED)
    first = BoundStatement(insert)
    first.values = [keys[0], *rest]
    batch.add(first)  # sets the routing key
    for key in keys[1:]:
        # What add() does, without an object for each row.
        batch._add_statement_and_params(True, insert.query_id, [key, *rest])  # pyright: ignore[reportPrivateUsage]
    batch.is_idempotent = True
    return batch
