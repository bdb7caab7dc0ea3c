"""Transactions: rows and the events that tell of them, committed together."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from kit.outbox import Event, Outbox
from kit.outbox import Transaction as OutboxTransaction
from kit.postgres import Connection, Postgres

from post_service.model.changes import Change

_ENCODED_AT_ONCE = 128


class Transaction:
    """Touches one distribution key: the author's for media and posts, the post's for likes and comments."""

    def __init__(self, inner: OutboxTransaction, encode: Callable[[Change], Event]) -> None:
        self._inner = inner
        self._encode = encode

    @property
    def conn(self) -> Connection:
        return self._inner.conn

    async def emit(self, *changes: Change) -> None:
        """To be called after the aggregate's row is locked. Of many, some are encoded while Postgres writes others."""
        writing: asyncio.Task[None] | None = None
        try:
            for start in range(0, len(changes), _ENCODED_AT_ONCE):
                events = [self._encode(change) for change in changes[start : start + _ENCODED_AT_ONCE]]
                if len(changes) <= _ENCODED_AT_ONCE:
                    await self._inner.emit(*events)
                    return
                if writing is not None:
                    await writing
                writing = asyncio.create_task(self._inner.emit(*events))
                await asyncio.sleep(0)  # until it is sent
        finally:
            if writing is not None:
                await writing

    async def lock_author(self, author_id: int) -> None:
        """Makes changes of one author's media and posts follow one another until the end of the transaction."""
        locked = await self.conn.fetchval("select 1 from authors where author_id = $1 for update", author_id)
        if locked is None:
            await self.conn.execute("insert into authors (author_id) values ($1) on conflict do nothing", author_id)
            await self.conn.fetchval("select 1 from authors where author_id = $1 for update", author_id)


class Truth:
    def __init__(self, postgres: Postgres, outbox: Outbox, encode: Callable[[Change], Event]) -> None:
        self.postgres = postgres
        self._outbox = outbox
        self._encode = encode

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Transaction]:
        async with self._outbox.transaction() as inner:
            yield Transaction(inner, self._encode)
