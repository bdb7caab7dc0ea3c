"""`python -m bench.fanout.writers execute_concurrent|batches HOST PORT KEYSPACE FIRST LAST`: the driver alone writes a
home row for each follower. Says "ready"; then each line on stdin is a post's id, and "done" the answer.

- `execute_concurrent`: a prepared insert for each row, 100 at once, as the driver's manual has it
- `batches`: the plainest fast way: unlogged batches of 50 in the followers' order, 16 at once
"""

import sys
from collections.abc import Iterator
from typing import Any

import cassandra.concurrent
from cassandra.query import BatchStatement, BatchType
from kit.cql import cluster_of
from kit.settings import CassandraSettings

from bench.fanout.world import account_id

_INSERT = "insert into home_timeline (user_id, post_id, author_id) values (?, ?, ?)"
_SINGLES, _BATCHES, _ROWS = 100, 16, 50
_AUTHOR = 1


_driver: Any = cassandra.concurrent  # has no types


def singles(session: Any, insert: Any, followers: list[int], post: int) -> None:
    rows = [(follower, post, _AUTHOR) for follower in followers]
    _driver.execute_concurrent_with_args(session, insert, rows, concurrency=_SINGLES)


def batches(session: Any, insert: Any, followers: list[int], post: int) -> None:
    _driver.execute_concurrent(session, _cut(insert, followers, post), concurrency=_BATCHES)


def _cut(insert: Any, followers: list[int], post: int) -> Iterator[tuple[BatchStatement, None]]:
    for start in range(0, len(followers), _ROWS):
        batch = BatchStatement(batch_type=BatchType.UNLOGGED)
        for follower in followers[start : start + _ROWS]:
            batch.add(insert, (follower, post, _AUTHOR))
        yield batch, None


def main() -> None:
    way, host, port, keyspace, first, last = sys.argv[1:]
    settings = CassandraSettings(cassandra_contact_points=(f"{host}:{port}",), cassandra_keyspace=keyspace)
    session: Any = cluster_of(settings, 60).connect(keyspace)
    insert = session.prepare(_INSERT)
    followers = [account_id(number) for number in range(int(first), int(last))]
    write = {"execute_concurrent": singles, "batches": batches}[way]
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    for line in sys.stdin:
        write(session, insert, followers, int(line))
        sys.stdout.write("done\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
