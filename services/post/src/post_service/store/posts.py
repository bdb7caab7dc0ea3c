"""Rows of posts with their tags. Changes are made under the author's lock."""

# ruff: noqa: S608 only constants of this service are put into queries

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from kit import telemetry
from kit.postgres import Connection, Pool, Postgres, Record

from post_service.model.media import Medium
from post_service.model.posts import Content, Location, Mention, Post, PostRef
from post_service.model.visibility import Audience, PostState
from post_service.store import media as media_rows

_COLUMNS = """author_id, id, title, caption, tags, mentions, location_name, latitude, longitude, audience, comments_off,
    state, version, created_at, edited_at"""
NEWEST = 1 << 62
"""Above every id."""


def _content_of(row: Record | Mapping[str, Any]) -> Content:
    place = row["location_name"]
    return Content(
        title=row["title"],
        caption=row["caption"],
        location=None if place is None else Location(place, row["latitude"], row["longitude"]),
        audience=Audience(row["audience"]),
        comments_off=row["comments_off"],
        tags=tuple(row["tags"]),
        mentions=tuple(Mention(**mention) for mention in row["mentions"]),
    )


def _post_of(row: Record | Mapping[str, Any], media: Sequence[Medium]) -> Post:
    return Post(
        id=row["id"],
        author_id=row["author_id"],
        content=_content_of(row),
        state=PostState(row["state"]),
        version=row["version"],
        created_at=row["created_at"],
        edited_at=row["edited_at"],
        media=tuple(media),
    )


def _values_of(content: Content) -> tuple[object, ...]:
    place = content.location
    return (
        content.title,
        content.caption,
        list(content.tags),
        [asdict(mention) for mention in content.mentions],
        place.name if place else None,
        place.latitude if place else None,
        place.longitude if place else None,
        content.audience,
        content.comments_off,
    )


class PostStore:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def get_many(self, ids: Sequence[int]) -> dict[int, Post]:
        """Deleted posts are left out."""
        async with self._postgres.primary.acquire() as conn:
            return await read_many(conn, ids)

    async def get(self, post_id: int) -> Post | None:
        return (await self.get_many([post_id])).get(post_id)

    async def of_request(self, author_id: int, request_id: str) -> tuple[int, bytes] | None:
        """The post made with this request id, deleted or not, and the hash of that request."""
        async with self._postgres.primary.acquire() as conn:
            return await of_request(conn, author_id, request_id)

    async def author_of(self, post_id: int) -> int | None:
        """Of a post in any state."""
        return await self._postgres.primary.fetchval("select author_id from posts where id = $1", post_id)

    async def ids_of_author(self, author_id: int, *, before: int, limit: int, pending: bool) -> list[int]:
        """Newest first; `pending` adds the unpublished."""
        query = (
            """select id from posts where author_id = $1 and id < $2 and state = any($4) order by id desc limit $3"""
        )
        states = [PostState.PUBLISHED, PostState.PENDING] if pending else [PostState.PUBLISHED]
        rows = await self._postgres.primary.fetch(query, author_id, before, limit, states)
        return [row["id"] for row in rows]

    async def ids_of_tag(self, tag: str, *, before: int, limit: int) -> list[int]:
        """Newest first. May be seconds old."""
        query = "select post_id from post_tags where tag = $1 and post_id < $2 order by post_id desc limit $3"
        return [row["post_id"] for row in await self._postgres.stale.fetch(query, tag, before, limit)]

    async def open_of_tag(self, tag: str, *, before: int, limit: int) -> list[PostRef]:
        """Published ones for everybody, newest first. May be seconds old."""
        query = """select post_id, author_id from post_tags where tag = $1 and post_id < $2 and exists (
                select 1 from posts where posts.author_id = post_tags.author_id and posts.id = post_id
                and state = $4 and audience = $5)
            order by post_id desc limit $3"""
        rows = await self._postgres.stale.fetch(query, tag, before, limit, PostState.PUBLISHED, Audience.PUBLIC)
        return [PostRef(row["post_id"], row["author_id"]) for row in rows]

    async def newest_of(self, author_ids: Sequence[int], *, before: int, limit: int) -> list[PostRef]:
        """Posts of all these authors together, newest first, the unpublished too: their author sees them."""
        query = """select newest.id, newest.author_id from unnest($1::bigint[]) as wanted (author_id)
            cross join lateral (
                select id, author_id from posts
                where posts.author_id = wanted.author_id and id < $2 and state = any($4) order by id desc limit $3
            ) as newest order by newest.id desc limit $3"""
        states = [PostState.PUBLISHED, PostState.PENDING]
        rows = await self._postgres.primary.fetch(query, author_ids, before, limit, states)
        return [PostRef(row["id"], row["author_id"]) for row in rows]

    async def counts_of(self, author_ids: Sequence[int]) -> dict[int, int]:
        """Live posts of each author. May be seconds old."""
        return await _counts(self._postgres.stale, author_ids)


async def _counts(pool: Pool, author_ids: Sequence[int]) -> dict[int, int]:
    found = dict.fromkeys(author_ids, 0)
    for row in await pool.fetch("select author_id, posts from authors where author_id = any($1)", author_ids):
        found[row["author_id"]] = row["posts"]
    return found


async def read_many(conn: Connection, ids: Sequence[int]) -> dict[int, Post]:
    query = f"select {_COLUMNS} from posts where id = any($1) and state <> $2"
    rows = await conn.fetch(query, ids, PostState.DELETED)
    media = await media_rows.of_posts(conn, list({row["author_id"] for row in rows}), [row["id"] for row in rows])
    return {row["id"]: _post_of(row, media.get(row["id"], ())) for row in rows}


async def of_request(conn: Connection, author_id: int, request_id: str) -> tuple[int, bytes] | None:
    query = "select id, request_hash from posts where author_id = $1 and request_id = $2"
    row = await conn.fetchrow(query, author_id, request_id)
    return (row["id"], row["request_hash"]) if row else None


async def reload(conn: Connection, author_id: int, post_id: int) -> Post | None:
    """Inside a transaction that holds the author's lock. In any state."""
    row = await conn.fetchrow(f"select {_COLUMNS} from posts where author_id = $1 and id = $2", author_id, post_id)
    return await _with_media(conn, row) if row else None


async def _with_media(conn: Connection, row: Record) -> Post:
    media = await media_rows.of_posts(conn, [row["author_id"]], [row["id"]])
    return _post_of(row, media.get(row["id"], ()))


async def insert(
    conn: Connection, author_id: int, request_id: str, request_hash: bytes, content: Content, state: PostState
) -> int:
    """The new post's id. Raises UniqueViolationError when the request id is in use."""
    post_id = await conn.fetchval(
        """insert into posts (author_id, request_id, request_hash, title, caption, tags, mentions, location_name,
            latitude, longitude, audience, comments_off, state, published_at, traceparent)
        values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13::smallint,
            case when $13::smallint = 1 then clock_timestamp() end, case when $13::smallint = 0 then $14 end)
        returning id""",
        author_id,
        request_id,
        request_hash,
        *_values_of(content),
        state,
        telemetry.traceparent(),
    )
    await _tag(conn, author_id, post_id, content.tags)
    return post_id


async def rewrite(conn: Connection, post: Post, content: Content, state: PostState) -> None:
    """An edit by the author."""
    await conn.execute(
        """update posts set title = $3, caption = $4, tags = $5, mentions = $6, location_name = $7, latitude = $8,
            longitude = $9, audience = $10, comments_off = $11, state = $12::smallint, edited_at = clock_timestamp(),
            published_at = case when $12::smallint = 1 then coalesce(published_at, clock_timestamp()) end,
            version = version + 1
        where author_id = $1 and id = $2""",
        post.author_id,
        post.id,
        *_values_of(content),
        state,
    )
    if content.tags != post.content.tags:
        await conn.execute("delete from post_tags where author_id = $1 and post_id = $2", post.author_id, post.id)
        await _tag(conn, post.author_id, post.id, content.tags)


async def publish(conn: Connection, author_id: int, post_id: int) -> str | None:
    """Answers the trace context of the request that made the post."""
    return await conn.fetchval(
        """update posts set state = 1, published_at = clock_timestamp(), version = version + 1
        where author_id = $1 and id = $2 and state = 0 returning traceparent""",
        author_id,
        post_id,
    )


async def touch(conn: Connection, author_id: int, post_id: int) -> None:
    """Its media changed."""
    await conn.execute(
        "update posts set version = version + 1 where author_id = $1 and id = $2 and state <> 2", author_id, post_id
    )


async def delete(conn: Connection, author_id: int, post_id: int) -> Record:
    """The row stays, without what it said. Answers version and deleted_at."""
    await conn.execute("delete from post_tags where author_id = $1 and post_id = $2", author_id, post_id)
    row = await conn.fetchrow(
        """update posts set state = 2, version = version + 1, deleted_at = clock_timestamp(), title = '', caption = '',
            tags = '{}', mentions = '[]', location_name = null, latitude = null, longitude = null
        where author_id = $1 and id = $2 returning version, deleted_at""",
        author_id,
        post_id,
    )
    assert row is not None  # noqa: S101 the caller holds the author's lock and has read the row
    return row


async def count_posts(conn: Connection, author_id: int, change: int) -> None:
    await conn.execute("update authors set posts = posts + $2 where author_id = $1", author_id, change)


async def _tag(conn: Connection, author_id: int, post_id: int, tags: Sequence[str]) -> None:
    await conn.execute(
        "insert into post_tags (author_id, post_id, tag) select $1, $2, unnest($3::text[])", author_id, post_id, tags
    )
