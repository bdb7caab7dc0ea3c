"""Home rows of a chunk of followers, in batches that each have one set of replicas.

Values are handed to the driver as they go over the wire: an id is 8 bytes big-endian there, as it is in the chunk.
"""

import asyncio
from bisect import bisect_left
from collections.abc import Callable, Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from cassandra.metadata import Murmur3Token
from cassandra.query import BatchStatement, BatchType, BoundStatement
from kit import faults
from kit.cassandra import Cassandra
from kit.tasks import together

from feed_service.model import ID_BYTES, Chunk, pack
from feed_service.store.home import BATCH_ROWS, INSERT

_TOGETHER = 4  # batches of a chunk that go out together, and wake the process once


_ring: Any = Murmur3Token
_token: Callable[[bytes], int] = _ring.hash_fn


@dataclass(frozen=True, slots=True)
class _Rows:
    """A batch's statements, made while the driver encodes them: to keep containers for each row had the garbage
    collector look through all of them again and again, for a third of the process' time."""

    statement: bytes
    keys: Sequence[bytes]
    rest: Sequence[bytes]

    def __len__(self) -> int:
        return len(self.keys)

    def __iter__(self) -> Iterator[tuple[bool, bytes, tuple[bytes, ...]]]:
        rest = tuple(self.rest)
        return ((True, self.statement, (key, *rest)) for key in self.keys)


class ChunkRows:
    """At most `in_flight` batches at once, over all chunks of a lane."""

    def __init__(self, cassandra: Cassandra, *, in_flight: int) -> None:
        self._cassandra, self._together = cassandra, min(_TOGETHER, in_flight)
        self._slots = asyncio.Semaphore(in_flight // self._together)

    async def write(self, chunk: Chunk) -> None:
        """Returns when all rows are written; writing them again changes nothing. Raises what the driver raises."""
        followers = [chunk.followers[at : at + ID_BYTES] for at in range(0, len(chunk.followers), ID_BYTES)]
        post, author, at_us = (pack([one]) for one in (chunk.entry.post_id, chunk.entry.author_id, chunk.at_us))
        insert = await self._cassandra.prepare(INSERT)
        batches = [_batch(insert, keys, [post, author, at_us]) for keys in self._batches(followers)]
        starts = range(0, len(batches), self._together)
        await together(*(self._send(batches[start : start + self._together]) for start in starts))

    async def _send(self, batches: Sequence[BatchStatement]) -> None:
        async with self._slots:
            await self._cassandra.write(batches)
        faults.point("fanout_mid_batch")

    def _batches(self, keys: Sequence[bytes]) -> Iterator[Sequence[bytes]]:
        """In the ring's order, grouped by who holds them, as the ring is now."""
        for group in self._grouped(sorted(keys, key=_token)):
            for start in range(0, len(group), BATCH_ROWS):
                yield group[start : start + BATCH_ROWS]

    def _grouped(self, keys: Sequence[bytes]) -> Collection[Sequence[bytes]]:
        replicas = self._replicas()
        if replicas is None:
            return [keys]
        groups: dict[Hashable, list[bytes]] = {}
        for key in keys:
            groups.setdefault(replicas(_token(key)), []).append(key)
        return groups.values()

    def _replicas(self) -> Callable[[int], Hashable] | None:
        """Names the replicas of a token; None when they are the same for all, or the driver does not know the ring."""
        session = self._cassandra.session
        known: Any = session.cluster.metadata.token_map
        if not known:
            return None
        ends = [token.value for token in known.ring]  # of the ranges, inclusive
        names = [frozenset(known.get_replicas(session.keyspace, token)) for token in known.ring]
        return None if len(set(names)) <= 1 else lambda token: names[bisect_left(ends, token) % len(ends)]


def _batch(insert: Any, keys: Sequence[bytes], rest: Sequence[bytes]) -> BatchStatement:
    """The coordinator is a replica of the first row, and so of all."""
    batch = BatchStatement(batch_type=BatchType.UNLOGGED)
    first = BoundStatement(insert)
    first.values = [keys[0], *rest]
    batch.add(first)  # sets the routing key
    untyped: Any = batch
    untyped._statements_and_parameters = _Rows(insert.query_id, keys, rest)
    batch.is_idempotent = True
    return batch
