"""What the counters flush to, and the exact numbers that they are reconciled with."""

from collections.abc import Mapping, Sequence

from kit.postgres import Postgres

Counts = dict[int, dict[str, int]]


class PostCountStore:
    FIELDS = ("likes", "comments")

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def load(self, ids: Sequence[int]) -> Counts:
        query = "select post_id as id, likes, comments from post_counts where post_id = any($1)"
        rows = await self._postgres.primary.fetch(query, ids)
        return {row["id"]: {"likes": row["likes"], "comments": row["comments"]} for row in rows}

    async def save(self, counts: Mapping[int, Mapping[str, int]]) -> None:
        query = """insert into post_counts (post_id, likes, comments)
            select * from unnest($1::bigint[], $2::bigint[], $3::bigint[])
            on conflict (post_id) do update set likes = excluded.likes, comments = excluded.comments"""
        rows = sorted(counts.items())
        likes, comments = ([fields.get(name, 0) for _, fields in rows] for name in self.FIELDS)
        await self._postgres.primary.execute(query, [post_id for post_id, _ in rows], likes, comments)

    async def count(self, ids: Sequence[int]) -> Counts:
        query = """select wanted.id,
                (select count(*) from likes where post_id = wanted.id) as likes,
                (select count(*) from comments where post_id = wanted.id and deleted_at is null) as comments
            from unnest($1::bigint[]) as wanted (id)"""
        rows = await self._postgres.primary.fetch(query, ids)
        return {row["id"]: {"likes": row["likes"], "comments": row["comments"]} for row in rows}


class CommentCountStore:
    """Likes of comments have no rows yet: always 0."""

    FIELDS = ("replies",)

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def load(self, ids: Sequence[int]) -> Counts:
        query = "select comment_id as id, replies from comment_counts where comment_id = any($1)"
        rows = await self._postgres.primary.fetch(query, ids)
        return {row["id"]: {"replies": row["replies"]} for row in rows}

    async def save(self, counts: Mapping[int, Mapping[str, int]]) -> None:
        query = """insert into comment_counts (comment_id, replies)
            select * from unnest($1::bigint[], $2::bigint[])
            on conflict (comment_id) do update set replies = excluded.replies"""
        rows = sorted(counts.items())
        replies = [fields.get("replies", 0) for _, fields in rows]
        await self._postgres.primary.execute(query, [comment_id for comment_id, _ in rows], replies)

    async def count(self, ids: Sequence[int]) -> Counts:
        """A comment's post is found by its id; its answers are of the same post."""
        query = """select parent.id, (
                select count(*) from comments where post_id = parent.post_id and reply_to = parent.id
                and deleted_at is null) as replies
            from comments as parent where parent.id = any($1)"""
        rows = await self._postgres.primary.fetch(query, ids)
        return {row["id"]: {"replies": row["replies"]} for row in rows}
