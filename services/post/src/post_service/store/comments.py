"""Rows of comments. A deleted one stays as a row without its text, so that deleting again is no error."""

# ruff: noqa: S608 only constants of this service are put into queries

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from kit.postgres import Connection, Postgres, Record

from post_service.model.comments import Comment
from post_service.model.posts import Mention

_COLUMNS = """post_id, id, post_author_id, author_id, text, reply_to, reply_to_author_id, mentions, created_at,
    deleted_at"""


def _comment_of(row: Record | Mapping[str, Any]) -> Comment:
    return Comment(
        id=row["id"],
        post_id=row["post_id"],
        post_author_id=row["post_author_id"],
        author_id=row["author_id"],
        text=row["text"],
        reply_to=row["reply_to"],
        reply_to_author_id=row["reply_to_author_id"],
        mentions=tuple(Mention(**mention) for mention in row["mentions"]),
        created_at=row["created_at"],
        deleted=row["deleted_at"] is not None,
    )


class CommentStore:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def find(self, comment_id: int) -> Comment | None:
        """Deleted or not."""
        row = await self._postgres.primary.fetchrow(f"select {_COLUMNS} from comments where id = $1", comment_id)
        return _comment_of(row) if row else None

    async def get_many(self, ids: Sequence[int]) -> dict[int, Comment]:
        """Deleted ones are left out."""
        query = f"select {_COLUMNS} from comments where id = any($1) and deleted_at is null"
        return {row["id"]: _comment_of(row) for row in await self._postgres.primary.fetch(query, ids)}

    async def of_request(self, post_id: int, author_id: int, request_id: str) -> tuple[Comment, bytes] | None:
        query = f"""select {_COLUMNS}, request_hash from comments
            where post_id = $1 and author_id = $2 and request_id = $3"""
        row = await self._postgres.primary.fetchrow(query, post_id, author_id, request_id)
        return (_comment_of(row), row["request_hash"]) if row else None

    async def page(self, post_id: int, reply_to: int, *, after: int, limit: int) -> list[Comment]:
        """Oldest first; `reply_to` 0 means the comments that answer no other."""
        query = f"""select {_COLUMNS} from comments
            where post_id = $1 and reply_to = $2 and id > $3 and deleted_at is null order by id limit $4"""
        rows = await self._postgres.primary.fetch(query, post_id, reply_to, after, limit)
        return [_comment_of(row) for row in rows]

    async def commenters_of(self, post_ids: Sequence[int], *, limit: int) -> dict[int, list[int]]:
        """Of the newest comments of each post that has any, the newest first. May be seconds old."""
        query = """select wanted.id as post_id, recent.author_id from unnest($1::bigint[]) as wanted (id)
            cross join lateral (
                select author_id, max(id) as newest from (
                    select author_id, id from comments where post_id = wanted.id and deleted_at is null
                    order by id desc limit $2 * 4) as comments
                group by author_id order by newest desc limit $2
            ) as recent order by wanted.id, recent.newest desc"""
        found: dict[int, list[int]] = {}
        for row in await self._postgres.stale.fetch(query, post_ids, limit):
            found.setdefault(row["post_id"], []).append(row["author_id"])
        return found


async def insert(
    conn: Connection,
    request_id: str,
    request_hash: bytes,
    *,
    post_id: int,
    post_author_id: int,
    author_id: int,
    text: str,
    reply_to: int,
    reply_to_author_id: int,
    mentions: Sequence[Mention],
) -> Comment | None:
    """None when the request id is in use."""
    row = await conn.fetchrow(
        f"""insert into comments (request_id, request_hash, post_id, post_author_id, author_id, text, reply_to,
            reply_to_author_id, mentions)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
        on conflict (post_id, author_id, request_id) do nothing returning {_COLUMNS}""",
        request_id,
        request_hash,
        post_id,
        post_author_id,
        author_id,
        text,
        reply_to,
        reply_to_author_id,
        [asdict(mention) for mention in mentions],
    )
    return _comment_of(row) if row else None


async def lock(conn: Connection, post_id: int, comment_id: int) -> Comment | None:
    """A comment that lives, and lives on until the end of the transaction."""
    query = f"""select {_COLUMNS} from comments
        where post_id = $1 and id = $2 and deleted_at is null for update"""
    row = await conn.fetchrow(query, post_id, comment_id)
    return _comment_of(row) if row else None


async def delete(conn: Connection, comment: Comment) -> list[Record]:
    """The locked comment and its answers. Answers id and deleted_at of each that went."""
    return await conn.fetch(
        """update comments set deleted_at = clock_timestamp(), text = '', mentions = '[]'
        where post_id = $1 and (id = $2 or reply_to = $2) and deleted_at is null returning id, deleted_at""",
        comment.post_id,
        comment.id,
    )
