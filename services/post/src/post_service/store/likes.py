"""Rows of likes. A like's aggregate is the pair of post and user: the post's row is never locked for it."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from kit.postgres import Connection, Postgres

Made = Mapping[int, tuple[int, datetime]]
"""Id and time of each user's change."""


class LikeStore:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def liked_of(self, user_id: int, post_ids: Sequence[int]) -> set[int]:
        """Which of the posts the user likes."""
        query = "select post_id from likes where user_id = $1 and post_id = any($2)"
        return {row["post_id"] for row in await self._postgres.primary.fetch(query, user_id, post_ids)}

    async def posts_of(self, user_id: int, *, before: int, limit: int) -> list[tuple[int, int]]:
        """Pairs of a post that the user likes and the like's id, the newest post first."""
        query = "select post_id, id from likes where user_id = $1 and post_id < $2 order by post_id desc limit $3"
        return [
            (row["post_id"], row["id"]) for row in await self._postgres.primary.fetch(query, user_id, before, limit)
        ]

    async def page(self, post_id: int, *, before: int, limit: int) -> list[tuple[int, int]]:
        """Pairs of the like's id and its user, newest first. May be seconds old."""
        query = "select id, user_id from likes where post_id = $1 and id < $2 order by id desc limit $3"
        return [(row["id"], row["user_id"]) for row in await self._postgres.stale.fetch(query, post_id, before, limit)]


async def lock(conn: Connection, post_id: int) -> None:
    """Makes changes of this post's likes follow one another until the end of the transaction, in all processes: so ids
    of changes rise in the order in which they take effect. No row is locked for it."""
    await conn.execute("select pg_advisory_xact_lock($1)", post_id)


async def add(conn: Connection, post_id: int, user_ids: Sequence[int]) -> Made:
    """Under the lock. Those who like the post already are left out; the change's id is the like's own."""
    rows = await conn.fetch(
        """insert into likes (post_id, user_id) select $1, unnest($2::bigint[]) on conflict do nothing
        returning user_id, id as change_id, clock_timestamp() as at""",
        post_id,
        user_ids,
    )
    return {row["user_id"]: (row["change_id"], row["at"]) for row in rows}


async def remove(conn: Connection, post_id: int, user_ids: Sequence[int]) -> Made:
    """Under the lock. Those who do not like the post are left out."""
    rows = await conn.fetch(
        """delete from likes where post_id = $1 and user_id = any($2::bigint[])
        returning user_id, next_id() as change_id, clock_timestamp() as at""",
        post_id,
        user_ids,
    )
    return {row["user_id"]: (row["change_id"], row["at"]) for row in rows}
