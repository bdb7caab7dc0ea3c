from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from cassandra.metadata import Murmur3Token
from feed_service.model import Chunk, Entry, pack, unpack
from feed_service.store import ChunkRows


class Ring:
    """Four ranges, of which every other one has the same replicas."""

    def __init__(self) -> None:
        self.ring = [Murmur3Token(end) for end in (-(1 << 62), 0, 1 << 62, (1 << 63) - 1)]

    def get_replicas(self, keyspace: str, token: Murmur3Token) -> list[str]:
        return [f"{keyspace}-{self.ring.index(token) % 2}"]


class FakeCassandra:
    """Keeps the keys of each batch."""

    def __init__(self, ring: Ring | None) -> None:
        self.session = SimpleNamespace(
            keyspace="feed", cluster=SimpleNamespace(metadata=SimpleNamespace(token_map=ring))
        )
        self.batches: list[list[bytes]] = []

    async def prepare(self, cql: str) -> Any:
        names = ("retry_policy", "consistency_level", "serial_consistency_level", "fetch_size", "custom_payload")
        rest = {"is_idempotent": True, "column_metadata": [], "routing_key_indexes": [0], "query_id": b"1"}
        return SimpleNamespace(**dict.fromkeys(names), **rest)

    async def write(self, batches: Sequence[Any]) -> None:
        self.batches += [[values[0] for _, _, values in batch._statements_and_parameters] for batch in batches]


FOLLOWERS = [number * 7919 for number in range(1, 1001)]
CHUNK = Chunk(Entry(50, 7), pack(FOLLOWERS), 100)


def holder(key: bytes) -> int:
    token = Murmur3Token.from_key(key).value
    return next(number for number, end in enumerate(Ring().ring) if token <= end.value) % 2


async def test_a_batch_has_one_set_of_replicas_and_at_most_fifty_rows() -> None:
    cassandra: Any = FakeCassandra(Ring())

    await ChunkRows(cassandra, in_flight=2).write(CHUNK)

    assert sorted(one for batch in cassandra.batches for key in batch for one in unpack(key)) == FOLLOWERS
    assert all(len({holder(key) for key in batch}) == 1 for batch in cassandra.batches)
    assert all(len(batch) <= 50 for batch in cassandra.batches)
    assert len(cassandra.batches) <= 22


async def test_rows_are_written_while_the_ring_is_not_known() -> None:
    cassandra: Any = FakeCassandra(None)

    await ChunkRows(cassandra, in_flight=2).write(CHUNK)

    assert len(cassandra.batches) == 20
