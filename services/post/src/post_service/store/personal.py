"""Rows by the account that they tell of, whatever they belong to. Batches of at most `limit` rows, so that no query is
long; what a query removes or changes is not found by it again."""

# ruff: noqa: S608 only constants of this service are put into queries

from collections.abc import Mapping, Sequence
from typing import Any

from kit.postgres import Postgres, Record

Rows = Sequence[Mapping[str, Any]]

_FORGET_MENTIONS = """
    mentions = (select coalesce(jsonb_agg(one), '[]') from jsonb_array_elements(mentions) as one
        where (one ->> 'user_id')::bigint <> $1)
    where mentions @> $2 and mentions <> '[]'"""


class PersonalRows:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def posts(self, user_id: int, after: int, limit: int) -> Rows:
        """Those that are not deleted, oldest first; as for likes, comments and media."""
        return await self._fetch(
            """select id, title, caption, tags, location_name, latitude, longitude, audience, comments_off, created_at,
                edited_at, published_at from posts where author_id = $1 and id > $2 and state <> 2
            order by id limit $3""",
            user_id,
            after,
            limit,
        )

    async def media(self, user_id: int, after: int, limit: int) -> Rows:
        return await self._fetch(
            """select id, post_id, content_type, bytes, sha256, alt_text, width, height, created_at, state from media
            where author_id = $1 and id > $2 and state <> 7 order by id limit $3""",
            user_id,
            after,
            limit,
        )

    async def comments(self, user_id: int, after: int, limit: int) -> Rows:
        return await self._fetch(
            """select id, post_id, reply_to as reply_to_id, text, created_at from comments
            where author_id = $1 and id > $2 and deleted_at is null order by id limit $3""",
            user_id,
            after,
            limit,
        )

    async def likes(self, user_id: int, after: int, limit: int) -> Rows:
        """By rising id of the post."""
        return await self._fetch(
            "select post_id, created_at from likes where user_id = $1 and post_id > $2 order by post_id limit $3",
            user_id,
            after,
            limit,
        )

    async def authors_of(self, post_ids: Sequence[int]) -> dict[int, int]:
        rows = await self._fetch("select id, author_id from posts where id = any($1)", post_ids)
        return {row["id"]: row["author_id"] for row in rows}

    async def forget_comments(self, user_id: int, limit: int) -> int:
        """Those that are deleted already, so that nothing hangs on them."""
        return await self._count(
            """with gone as (delete from comments where (post_id, id) in
                (select post_id, id from comments where author_id = $1 and deleted_at is not null limit $2)
                returning id), counts as (delete from comment_counts where comment_id in (select id from gone))
            select count(*) from gone""",
            user_id,
            limit,
        )

    async def forget_answered(self, user_id: int, limit: int) -> int:
        """That others' comments answered the account's."""
        return await self._count(
            """with changed as (update comments set reply_to_author_id = 0 where (post_id, id) in
                (select post_id, id from comments where reply_to_author_id = $1 limit $2) returning 1)
            select count(*) from changed""",
            user_id,
            limit,
        )

    async def forget_mentions_in_comments(self, user_id: int) -> int:
        query = f"with changed as (update comments set {_FORGET_MENTIONS} returning 1) select count(*) from changed"
        return await self._count(query, user_id, _mention_of(user_id))

    async def forget_mentions_in_posts(self, user_id: int) -> list[int]:
        """Ids of the posts that mentioned the account."""
        rows = await self._fetch(f"update posts set {_FORGET_MENTIONS} returning id", user_id, _mention_of(user_id))
        return [row["id"] for row in rows]

    async def deleted_posts(self, user_id: int, limit: int) -> list[int]:
        query = "select id from posts where author_id = $1 and state = 2 order by id limit $2"
        return [row["id"] for row in await self._fetch(query, user_id, limit)]

    async def empty_post(self, post_id: int, limit: int) -> int:
        """Likes and comments of others at a post that is deleted, with their counts."""
        return await self._count(
            """with liked as (delete from likes where (post_id, user_id) in
                (select post_id, user_id from likes where post_id = $1 limit $2) returning 1),
            said as (delete from comments where (post_id, id) in
                (select post_id, id from comments where post_id = $1 limit $2) returning id),
            counts as (delete from comment_counts where comment_id in (select id from said))
            select (select count(*) from liked) + (select count(*) from said)""",
            post_id,
            limit,
        )

    async def drop_post(self, user_id: int, post_id: int) -> None:
        await self._postgres.primary.execute("delete from post_counts where post_id = $1", post_id)
        await self._postgres.primary.execute("delete from posts where author_id = $1 and id = $2", user_id, post_id)

    async def condemn_media(self, user_id: int, worked_on: str) -> None:
        """Nobody sees it from now on; `worked_on` becomes the reason of what the worker may be writing right now."""
        await self._postgres.primary.execute(
            """update media set state = 7, changed_at = clock_timestamp(),
                reason = case when state in (2, 3, 4) or next_place <> '' then $2 else '' end
            where author_id = $1 and state <> 7""",
            user_id,
            worked_on,
        )

    async def condemned_media(self, user_id: int, worked_on: str, quiet_seconds: float, limit: int) -> Sequence[Record]:
        """Media whose files and row may go: no worker can be writing them any more."""
        return await self._postgres.primary.fetch(
            """select id, place, next_place, old_place from media where author_id = $1 and state = 7
                and (reason <> $2 or changed_at < clock_timestamp() - make_interval(secs => $3))
            order by id limit $4""",
            user_id,
            worked_on,
            quiet_seconds,
            limit,
        )

    async def drop_media(self, user_id: int, ids: Sequence[int]) -> None:
        await self._postgres.primary.execute("delete from media where author_id = $1 and id = any($2)", user_id, ids)

    async def drop_author(self, user_id: int) -> int:
        """What is left when posts and media are gone; 0 while there are media, or when nothing is left."""
        return await self._count(
            """with free as (select 1 where not exists (select 1 from media where author_id = $1)),
            files as (delete from originals where author_id = $1 and exists (select 1 from free) returning 1),
            self as (delete from authors where author_id = $1 and exists (select 1 from free) returning 1)
            select (select count(*) from files) + (select count(*) from self)""",
            user_id,
        )

    async def has_media(self, user_id: int) -> bool:
        return await self._postgres.primary.fetchval(
            "select exists (select 1 from media where author_id = $1)", user_id
        )

    async def _fetch(self, query: str, *values: object) -> Rows:
        return [dict(row) for row in await self._postgres.primary.fetch(query, *values)]

    async def _count(self, query: str, *values: object) -> int:
        return await self._postgres.primary.fetchval(query, *values)


def _mention_of(user_id: int) -> list[dict[str, int]]:
    return [{"user_id": user_id}]
