"""Posts in bulk, for those who build views of them, and what has counts."""

from collections.abc import Sequence

from kit.postgres import Postgres

from post_service.model.changes import PostDeleted, PostPublished
from post_service.model.visibility import PostState
from post_service.store.posts import read_many

_PAGE = "select id, author_id, state, version, deleted_at from posts where id > $1 and state <> $2 order by id limit $3"


class Scan:
    """Asks every shard: for rare work."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def posts(self, after: int, limit: int) -> tuple[Sequence[PostPublished | PostDeleted], int]:
        """By rising id, without those that wait for their media; and the id to go on after, 0 at the end."""
        async with self._postgres.primary.acquire() as conn:
            rows = await conn.fetch(_PAGE, after, PostState.PENDING, limit)
            live = await read_many(conn, [row["id"] for row in rows if row["state"] != PostState.DELETED])
        told = [
            PostPublished(live[row["id"]])
            if row["id"] in live
            else PostDeleted(row["id"], row["author_id"], row["version"], row["deleted_at"])
            for row in rows
            if row["id"] in live or row["deleted_at"]
        ]
        return told, rows[-1]["id"] if len(rows) == limit else 0

    async def post_ids(self, after: int, limit: int) -> Sequence[int]:
        query = "select id from posts where id > $1 order by id limit $2"
        return [row["id"] for row in await self._postgres.primary.fetch(query, after, limit)]

    async def comment_ids(self, after: int, limit: int) -> Sequence[int]:
        query = "select id from comments where id > $1 order by id limit $2"
        return [row["id"] for row in await self._postgres.primary.fetch(query, after, limit)]
