"""Lists of accounts: pages by keyset, newest first, and packed ids for fan-out."""

from collections.abc import Sequence

from kit.postgres import Connection, Postgres, Record

from graph_service.model import Edge

# By the index on (owner, id): a deep page costs what the first one does.
_NEWEST = "select {other} as user_id, id from {table} where {owner} = $1 and id < $2 order by id desc limit $3"
NEWEST_FOLLOWERS = _NEWEST.format(table="followers_by_followee", owner="followee_id", other="follower_id")
_FOLLOWING = _NEWEST.format(table="following_by_follower", owner="follower_id", other="followee_id")
_REQUESTS = _NEWEST.format(table="requests_by_followee", owner="followee_id", other="follower_id")
_BLOCKS = _NEWEST.format(table="blocks_by_blocker", owner="blocker_id", other="blocked_id")
_MUTES = _NEWEST.format(table="mutes_by_muter", owner="muter_id", other="muted_id")

# One bytes value a page: no row is turned into a Python object.
_PACK = """
select coalesce(string_agg(int8send(other), ''::bytea order by other), ''::bytea) as ids, max(other) as last,
    count(*) as number
from (select {other} as other from {table} where {owner} = $1 and {other} > $2 order by {other} limit $3) as page
"""
_PACK_FOLLOWERS = _PACK.format(table="followers_by_followee", owner="followee_id", other="follower_id")
_PACK_FOLLOWING = _PACK.format(table="following_by_follower", owner="follower_id", other="followee_id")


class Lists:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def followers(self, user_id: int, *, before: int, limit: int) -> list[Edge]:
        return await self._page(NEWEST_FOLLOWERS, user_id, before, limit)

    async def following(self, user_id: int, *, before: int, limit: int) -> list[Edge]:
        return await self._page(_FOLLOWING, user_id, before, limit)

    async def requests(self, user_id: int, *, before: int, limit: int) -> list[Edge]:
        return await self._page(_REQUESTS, user_id, before, limit)

    async def blocks(self, user_id: int, *, before: int, limit: int) -> list[Edge]:
        return await self._page(_BLOCKS, user_id, before, limit)

    async def mutes(self, user_id: int, *, before: int, limit: int) -> list[Edge]:
        return await self._page(_MUTES, user_id, before, limit)

    async def blocked_among(self, viewer_id: int, ids: Sequence[int]) -> set[int]:
        """Those of the accounts that block the viewer or are blocked by them."""
        query = """select blocked_id as id from blocks_by_blocker where blocker_id = $1 and blocked_id = any($2)
            union all select blocker_id from blocks_by_blocked where blocked_id = $1 and blocker_id = any($2)"""
        return {row["id"] for row in await self._postgres.primary.fetch(query, viewer_id, ids)}

    async def pack_followers(self, user_id: int, *, after: int, limit: int) -> tuple[bytes, int]:
        """Ids in rising order, 8 bytes big-endian each, and the last of them: 0 when no more follow."""
        return await self._pack(_PACK_FOLLOWERS, user_id, after, limit)

    async def pack_following(self, user_id: int, *, after: int, limit: int) -> tuple[bytes, int]:
        """As pack_followers."""
        return await self._pack(_PACK_FOLLOWING, user_id, after, limit)

    async def _page(self, query: str, user_id: int, before: int, limit: int) -> list[Edge]:
        rows = await self._postgres.primary.fetch(query, user_id, before, limit)
        return [Edge(row["user_id"], row["id"]) for row in rows]

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
