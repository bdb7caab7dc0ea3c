"""Lists of accounts: pages by keyset, newest first, and packed ids for fan-out."""

from collections.abc import Callable
from datetime import datetime

from kit.postgres import Connection, Postgres, Record

from graph_service.model.lists import Edge, Part

# By the index on (owner, id): a deep page costs what the first one does. Each edge is looked up in turn (`offset 0`
# keeps Postgres from joining with whole tables) until there are enough, and at most so many: what a page costs is
# bounded, however many in a row may not be shown.
LOOKED_AT = 4000
_NEWEST = """
select edge.user_id, edge.id from (
    select {other} as user_id, id from {table} where {owner} = $1 and id < $2 {more} order by id desc limit {most}
) as edge
where {shown}
order by edge.id desc limit $3
"""
# The last edge that was looked at when that were too many.
_REACHED = "select id from {table} where {owner} = $1 and id < $2 {more} order by id desc offset {most} - 1 limit 1"

_ACTIVE = "not exists (select from hidden_accounts where user_id = edge.user_id and hidden offset 0)"
_NOT_BLOCKED_BY = """
    and not exists (select from blocks_by_blocked where blocked_id = {viewer} and blocker_id = edge.user_id offset 0)"""
_NOT_BLOCKING = """
    and not exists (select from blocks_by_blocker where blocker_id = {viewer} and blocked_id = edge.user_id offset 0)"""
_MEETING = _ACTIVE + (_NOT_BLOCKED_BY + _NOT_BLOCKING).format(viewer="$4")
_NOT_ENDED = "and (until is null or until > {now})"


class Query:
    """A list's two statements; `more` is a condition on its rows, `shown` on the accounts."""

    def __init__(self, table: str, owner: str, other: str, *, shown: str = _ACTIVE, more: str = "") -> None:
        places = {"table": table, "owner": owner, "other": other, "shown": shown, "most": LOOKED_AT}
        self.page = _NEWEST.format(**places, more=more.format(now="$4"))
        self.reached = _REACHED.format(**places, more=more.format(now="$3"))
        self.reached_takes_more = bool(more)


FOLLOWERS = Query("followers_by_followee", "followee_id", "follower_id", shown=_MEETING)
FOLLOWING = Query("following_by_follower", "follower_id", "followee_id", shown=_MEETING)
REQUESTS = Query("requests_by_followee", "followee_id", "follower_id")
BLOCKS = Query("blocks_by_blocker", "blocker_id", "blocked_id")
MUTES = Query(
    "mutes_by_muter",
    "muter_id",
    "muted_id",
    shown=_ACTIVE + _NOT_BLOCKED_BY.format(viewer="$1"),
    more=_NOT_ENDED,
)
CLOSE_FRIENDS = Query("close_friends_by_owner", "owner_id", "friend_id")

_PENDING = """
select follower_id as user_id, id from requests_by_followee where followee_id = $1 and id < $2 order by id desc limit $3
"""
# One bytes value a page: no row is turned into a Python object.
_PACK = """
select coalesce(string_agg(int8send(other), ''::bytea order by other), ''::bytea) as ids, max(other) as last,
    count(*) as number
from (select {other} as other from {table} where {owner} = $1 and {other} > $2 order by {other} limit $3) as page
"""
_PACK_FOLLOWERS = _PACK.format(table="followers_by_followee", owner="followee_id", other="follower_id")
_PACK_FOLLOWING = _PACK.format(table="following_by_follower", owner="follower_id", other="followee_id")


class Lists:
    """None of the lists shows accounts that are not active. Edges have ids below `before`."""

    def __init__(self, postgres: Postgres, now: Callable[[], datetime]) -> None:
        self._postgres = postgres
        self._now = now

    async def followers(self, user_id: int, viewer_id: int, *, before: int, limit: int) -> Part:
        """Without those between whom and the viewer there is a block."""
        return await self._part(FOLLOWERS, user_id, before, limit, viewer_id)

    async def following(self, user_id: int, viewer_id: int, *, before: int, limit: int) -> Part:
        """As followers."""
        return await self._part(FOLLOWING, user_id, before, limit, viewer_id)

    async def requests(self, user_id: int, *, before: int, limit: int) -> Part:
        return await self._part(REQUESTS, user_id, before, limit)

    async def blocks(self, user_id: int, *, before: int, limit: int) -> Part:
        return await self._part(BLOCKS, user_id, before, limit)

    async def mutes(self, user_id: int, *, before: int, limit: int) -> Part:
        """Without those who block the user, and without mutes that have ended."""
        return await self._part(MUTES, user_id, before, limit, self._now())

    async def close_friends(self, user_id: int, *, before: int, limit: int) -> Part:
        return await self._part(CLOSE_FRIENDS, user_id, before, limit)

    async def pending(self, user_id: int, *, before: int, limit: int) -> list[Edge]:
        """All requests, of accounts that are not active too."""
        rows = await self._postgres.primary.fetch(_PENDING, user_id, before, limit)
        return [Edge(row["user_id"], row["id"]) for row in rows]

    async def pack_followers(self, user_id: int, *, after: int, limit: int) -> tuple[bytes, int]:
        """Ids in rising order, 8 bytes big-endian each, and the last of them: 0 when no more follow."""
        return await self._pack(_PACK_FOLLOWERS, user_id, after, limit)

    async def pack_following(self, user_id: int, *, after: int, limit: int) -> tuple[bytes, int]:
        """As pack_followers."""
        return await self._pack(_PACK_FOLLOWING, user_id, after, limit)

    async def _part(self, query: Query, user_id: int, before: int, limit: int, *more: object) -> Part:
        rows = await self._postgres.primary.fetch(query.page, user_id, before, limit, *more)
        edges = [Edge(row["user_id"], row["id"]) for row in rows]
        if len(edges) == limit:
            return Part(edges)
        args = (user_id, before, *(more if query.reached_takes_more else ()))
        return Part(edges, await self._postgres.primary.fetchval(query.reached, *args) or 0)

    async def _pack(self, query: str, user_id: int, after: int, limit: int) -> tuple[bytes, int]:
        row = await self._fetch_fresh(query, user_id, after, limit)
        assert row is not None  # noqa: S101 an aggregate without groups has one row
        return row["ids"], row["last"] if row["number"] == limit else 0

    async def _fetch_fresh(self, query: str, *args: object) -> Record | None:
        """From a replica that has replayed all that is committed by now, else from the primary.

        An older answer could leave out a follower for good: one whose follow came before a post, and whose backfill ran
        before the post could be found.
        """
        primary, replica = self._postgres.primary, self._postgres.stale
        if replica is not primary:
            reached = await primary.fetchval("select pg_current_wal_lsn()::text")
            async with replica.acquire() as conn:
                if await _replayed(conn, reached):
                    return await conn.fetchrow(query, *args)
        return await primary.fetchrow(query, *args)


async def _replayed(conn: Connection, reached: str) -> bool:
    return bool(await conn.fetchval("select pg_last_wal_replay_lsn() >= $1::text::pg_lsn", reached))
