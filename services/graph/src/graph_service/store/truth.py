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

# $1 acts on $2.
_UNMUTE = "delete from mutes_by_muter where muter_id = $1 and muted_id = $2"
_CUTS = {
    Kind.FOLLOWED: [
        "delete from requests_by_follower where follower_id = $1 and followee_id = $2",
        "delete from requests_by_followee where follower_id = $1 and followee_id = $2",
    ],
    Kind.UNFOLLOWED: [
        "delete from following_by_follower where follower_id = $1 and followee_id = $2",
        "delete from followers_by_followee where follower_id = $1 and followee_id = $2",
    ],
    Kind.WITHDRAWN: [
        "delete from requests_by_follower where follower_id = $1 and followee_id = $2",
        "delete from requests_by_followee where follower_id = $1 and followee_id = $2",
    ],
    Kind.UNBLOCKED: [
        "delete from blocks_by_blocker where blocker_id = $1 and blocked_id = $2",
        "delete from blocks_by_blocked where blocker_id = $1 and blocked_id = $2",
    ],
    Kind.MUTED: [_UNMUTE],  # one with another end, or one that has ended
    Kind.UNMUTED: [_UNMUTE],
    Kind.CLOSE_FRIEND_REMOVED: [
        "delete from close_friends_by_owner where owner_id = $1 and friend_id = $2",
        "delete from close_friends_by_friend where owner_id = $1 and friend_id = $2",
    ],
}
# $3 is the change's id, $4 a mute's end. A row that is there already is a bug: the pair is locked and was read.
_MAKES = {
    Kind.FOLLOWED: [
        "insert into following_by_follower (follower_id, followee_id, id) values ($1, $2, $3)",
        "insert into followers_by_followee (follower_id, followee_id, id) values ($1, $2, $3)",
    ],
    Kind.REQUESTED: [
        "insert into requests_by_follower (follower_id, followee_id, id) values ($1, $2, $3)",
        "insert into requests_by_followee (follower_id, followee_id, id) values ($1, $2, $3)",
    ],
    Kind.BLOCKED: [
        "insert into blocks_by_blocker (blocker_id, blocked_id, id) values ($1, $2, $3)",
        "insert into blocks_by_blocked (blocker_id, blocked_id, id) values ($1, $2, $3)",
    ],
    Kind.MUTED: ["insert into mutes_by_muter (muter_id, muted_id, id, until) values ($1, $2, $3, $4)"],
    Kind.CLOSE_FRIEND_ADDED: [
        "insert into close_friends_by_owner (owner_id, friend_id, id) values ($1, $2, $3)",
        "insert into close_friends_by_friend (owner_id, friend_id, id) values ($1, $2, $3)",
    ],
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
        conn, ends = self._inner.conn, (step.actor_id, step.target_id)
        row = await conn.fetchrow("select next_id() as id, clock_timestamp() as at")
        assert row is not None  # noqa: S101 a select without a table has one row
        for statement in _CUTS.get(step.kind, ()):
            await conn.execute(statement, *ends)
        for statement in _MAKES.get(step.kind, ()):
            ended = (step.until,) if step.kind is Kind.MUTED else ()
            await conn.execute(statement, *ends, row["id"], *ended)
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
