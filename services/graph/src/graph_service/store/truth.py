"""Relations in Postgres: read, and changed together with the events that tell of it."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any

from kit.outbox import Event, Outbox
from kit.outbox import Transaction as OutboxTransaction
from kit.postgres import Connection, Postgres

from graph_service.model.relations import Change, Kind, Relation, Step

# Each part begins at the viewer's key and finds the ids by its primary key; only what there is comes back.
_RELATIONS = """
select 'following' as held, followee_id as id, null::timestamptz as until from following_by_follower
where follower_id = $1 and followee_id = any($2)
union all
select 'requested', followee_id, null from requests_by_follower where follower_id = $1 and followee_id = any($2)
union all
select 'followed_by', follower_id, null from followers_by_followee where followee_id = $1 and follower_id = any($2)
union all
select 'requested_by', follower_id, null from requests_by_followee where followee_id = $1 and follower_id = any($2)
union all
select 'blocking', blocked_id, null from blocks_by_blocker where blocker_id = $1 and blocked_id = any($2)
union all
select 'blocked_by', blocker_id, null from blocks_by_blocked where blocked_id = $1 and blocker_id = any($2)
union all
select 'muting', muted_id, until from mutes_by_muter where muter_id = $1 and muted_id = any($2)
union all
select 'close_friend_of', owner_id, null from close_friends_by_friend where friend_id = $1 and owner_id = any($2)
union all
select 'close_friend', friend_id, null from close_friends_by_owner where owner_id = $1 and friend_id = any($2)
"""

# An edge's copies, and what they call who acts ($1) and the other account ($2).
_FOLLOWS = (("following_by_follower", "followers_by_followee"), ("follower_id", "followee_id"))
_REQUESTS = (("requests_by_follower", "requests_by_followee"), ("follower_id", "followee_id"))
_BLOCKS = (("blocks_by_blocker", "blocks_by_blocked"), ("blocker_id", "blocked_id"))
_MUTES = (("mutes_by_muter",), ("muter_id", "muted_id"))
_CLOSE_FRIENDS = (("close_friends_by_owner", "close_friends_by_friend"), ("owner_id", "friend_id"))
Copies = tuple[Sequence[str], tuple[str, str]]

# A row that is there already is a bug: the pair is locked and was read.
_INSERT = "insert into {table} ({actor}, {target}, id) select $1::bigint, $2::bigint, id from change"
_DELETE = "delete from {table} where {actor} = $1::bigint and {target} = $2::bigint"
# But for a mute, which may have another end, or be over; its end is $3.
_MUTE = """
insert into mutes_by_muter (muter_id, muted_id, id, until)
select $1::bigint, $2::bigint, id, $3::timestamptz from change
on conflict (muter_id, muted_id) do update set id = excluded.id, until = excluded.until
"""
# All of a step in one round trip.
_STEP = (
    "with change as materialized (select next_id() as id, clock_timestamp() as at), {parts} select id, at from change"
)


def _parts(statement: str, copies: Copies) -> list[str]:
    tables, (actor, target) = copies
    return [statement.format(table=table, actor=actor, target=target) for table in tables]


def _step(*parts: str) -> str:
    return _STEP.format(parts=", ".join(f"part_{place} as ({part})" for place, part in enumerate(parts)))


_STEPS = {
    Kind.FOLLOWED: _step(*_parts(_DELETE, _REQUESTS), *_parts(_INSERT, _FOLLOWS)),
    Kind.UNFOLLOWED: _step(*_parts(_DELETE, _FOLLOWS)),
    Kind.REQUESTED: _step(*_parts(_INSERT, _REQUESTS)),
    Kind.WITHDRAWN: _step(*_parts(_DELETE, _REQUESTS)),
    Kind.BLOCKED: _step(*_parts(_INSERT, _BLOCKS)),
    Kind.UNBLOCKED: _step(*_parts(_DELETE, _BLOCKS)),
    Kind.MUTED: _step(_MUTE),
    Kind.UNMUTED: _step(*_parts(_DELETE, _MUTES)),
    Kind.CLOSE_FRIEND_ADDED: _step(*_parts(_INSERT, _CLOSE_FRIENDS)),
    Kind.CLOSE_FRIEND_REMOVED: _step(*_parts(_DELETE, _CLOSE_FRIENDS)),
}


class Pair:
    """Two accounts with the lock on all that is between them, until the end of the transaction."""

    def __init__(
        self, inner: OutboxTransaction, encode: Callable[[Change], Event], now: Callable[[], datetime]
    ) -> None:
        self._inner = inner
        self._encode = encode
        self._now = now

    async def relation(self, viewer_id: int, user_id: int) -> Relation:
        return (await _relations(self._inner.conn, viewer_id, [user_id], self._now()))[user_id]

    async def asked(self, follower_id: int, followee_id: int) -> int | None:
        """The id of a request to follow; None when there is none."""
        query = "select id from requests_by_followee where follower_id = $1 and followee_id = $2"
        return await self._inner.conn.fetchval(query, follower_id, followee_id)

    async def make(self, steps: Sequence[Step]) -> list[Change]:
        """Makes each step and emits its event, in this order."""
        changes = [await self._make(step) for step in steps]
        await self._inner.emit(*(self._encode(change) for change in changes))
        return changes

    async def _make(self, step: Step) -> Change:
        ended = (step.until,) if step.kind is Kind.MUTED else ()
        row = await self._inner.conn.fetchrow(_STEPS[step.kind], step.actor_id, step.target_id, *ended)
        assert row is not None  # noqa: S101 `change` has one row
        return Change(step, row["id"], row["at"])


class Truth:
    """Mutes that have ended by `now` are none."""

    def __init__(
        self, postgres: Postgres, outbox: Outbox, encode: Callable[[Change], Event], now: Callable[[], datetime]
    ) -> None:
        self._postgres = postgres
        self._outbox = outbox
        self._encode = encode
        self._now = now

    @asynccontextmanager
    async def pair(self, one_id: int, other_id: int) -> AsyncGenerator[Pair]:
        """A transaction that keeps every other one on the two accounts out, whichever of them acts.

        An edge has no row to lock before it exists, and the rows of an account must stay free for its other edges: so
        the lock is an advisory one on the pair. It comes first: a snapshot taken later sees all that was done before.
        """
        async with self._outbox.transaction() as inner:
            await inner.conn.execute(
                "select pg_advisory_xact_lock(hashtextextended($1, 0))", pair_key(one_id, other_id)
            )
            yield Pair(inner, self._encode, self._now)

    async def relations(self, viewer_id: int, ids: Sequence[int]) -> dict[int, Relation]:
        """One for each of the ids."""
        async with self._postgres.primary.acquire() as conn:
            return await _relations(conn, viewer_id, ids, self._now())

    async def erased(self, *ids: int) -> set[int]:
        """Those of the accounts that are gone for good."""
        query = "select user_id from erased_accounts where user_id = any($1)"
        return {row["user_id"] for row in await self._postgres.primary.fetch(query, ids)}


def pair_key(one_id: int, other_id: int) -> str:
    """Names the two accounts, whichever comes first."""
    return f"{min(one_id, other_id)}:{max(one_id, other_id)}"


async def _relations(conn: Connection, viewer_id: int, ids: Sequence[int], now: datetime) -> dict[int, Relation]:
    held: dict[int, dict[str, Any]] = {user_id: {} for user_id in ids}
    for row in await conn.fetch(_RELATIONS, viewer_id, list(held)):
        held[row["id"]][row["held"]] = True
        if row["held"] == "muting":
            held[row["id"]]["muted_until"] = row["until"]
    return {user_id: Relation(user_id, **flags).at(now) for user_id, flags in held.items()}
