"""Followed tags in Postgres: read, and changed together with the events that tell of it."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from kit.outbox import Event, Outbox
from kit.outbox import Transaction as OutboxTransaction
from kit.postgres import Postgres

from graph_service.model.tags import FollowedTag, TagChange

_STATE = "select count(*) as followed, coalesce(bool_or(tag = $2), false) as there from tag_follows where user_id = $1"
_FOLLOW = """
insert into tag_follows (user_id, tag, id) select $1, $2, next_id()
on conflict do nothing returning id, clock_timestamp() as at
"""
_UNFOLLOW = """
delete from tag_follows where user_id = $1 and tag = $2 returning next_id() as id, clock_timestamp() as at
"""
_PAGE = "select tag, id from tag_follows where user_id = $1 and id < $2 order by id desc limit $3"
_HAS = "select exists (select from tag_follows where user_id = $1 and tag = $2)"

Encode = Callable[[TagChange], Event]


class OwnTags:
    """The tags of one account, which nobody else changes until the end of the transaction."""

    def __init__(self, inner: OutboxTransaction, encode: Encode, user_id: int) -> None:
        self._inner = inner
        self._encode = encode
        self._user_id = user_id

    async def state(self, tag: str) -> tuple[int, bool]:
        """How many there are, and whether this one is among them."""
        row = await self._inner.conn.fetchrow(_STATE, self._user_id, tag)
        assert row is not None  # noqa: S101 an aggregate without groups has one row
        return row["followed"], row["there"]

    async def follow(self, tag: str) -> None:
        """Does nothing when it is followed."""
        await self._change(_FOLLOW, tag, followed=True)

    async def unfollow(self, tag: str) -> bool:
        """Whether it was followed."""
        return await self._change(_UNFOLLOW, tag, followed=False)

    async def _change(self, statement: str, tag: str, *, followed: bool) -> bool:
        row = await self._inner.conn.fetchrow(statement, self._user_id, tag)
        if row is not None:
            change = TagChange(self._user_id, tag, followed, row["id"], row["at"])
            await self._inner.emit(self._encode(change))
        return row is not None


class TagFollows:
    def __init__(self, postgres: Postgres, outbox: Outbox, encode: Encode) -> None:
        self._postgres = postgres
        self._outbox = outbox
        self._encode = encode

    @asynccontextmanager
    async def of(self, user_id: int) -> AsyncGenerator[OwnTags]:
        """A transaction that keeps every other change of the account's tags out: they are counted in it, and their
        events stay in the order of the changes. Edges of the account are not held up."""
        async with self._outbox.transaction() as inner:
            await inner.conn.execute("select pg_advisory_xact_lock(hashtextextended($1, 0))", f"{user_id}:#")
            yield OwnTags(inner, self._encode, user_id)

    async def page(self, user_id: int, *, before: int, limit: int) -> list[FollowedTag]:
        """Newest first, with ids below `before`."""
        rows = await self._postgres.primary.fetch(_PAGE, user_id, before, limit)
        return [FollowedTag(row["tag"], row["id"]) for row in rows]

    async def has(self, user_id: int, tag: str) -> bool:
        return await self._postgres.primary.fetchval(_HAS, user_id, tag)
