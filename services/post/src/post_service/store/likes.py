"""Rows of likes. A like's aggregate is the pair of post and user: the post's row is never locked for it."""

from collections.abc import Sequence
from datetime import datetime

from kit.postgres import Connection, Postgres


class LikeStore:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def liked_of(self, user_id: int, post_ids: Sequence[int]) -> set[int]:
        """Which of the posts the user likes."""
        query = "select post_id from likes where user_id = $1 and post_id = any($2)"
        return {row["post_id"] for row in await self._postgres.primary.fetch(query, user_id, post_ids)}

    async def page(self, post_id: int, *, before: int, limit: int) -> list[tuple[int, int]]:
        """Pairs of the like's id and its user, newest first. May be seconds old."""
        query = "select id, user_id from likes where post_id = $1 and id < $2 order by id desc limit $3"
        return [(row["id"], row["user_id"]) for row in await self._postgres.stale.fetch(query, post_id, before, limit)]


async def add(conn: Connection, post_id: int, user_id: int) -> tuple[int, datetime] | None:
    """Id and time of the change; None when the user liked the post already."""
    row = await conn.fetchrow(
        """insert into likes (post_id, user_id) values ($1, $2) on conflict do nothing
        returning next_id() as change_id, clock_timestamp() as at""",
        post_id,
        user_id,
    )
    return (row["change_id"], row["at"]) if row else None


async def remove(conn: Connection, post_id: int, user_id: int) -> tuple[int, datetime] | None:
    """Id and time of the change; None when the user did not like the post."""
    row = await conn.fetchrow(
        """delete from likes where post_id = $1 and user_id = $2
        returning next_id() as change_id, clock_timestamp() as at""",
        post_id,
        user_id,
    )
    return (row["change_id"], row["at"]) if row else None
