"""Rows of media. Changes are made under the author's lock, or touch a single row by themselves."""

# ruff: noqa: S608 only constants of this service are put into queries

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from kit.postgres import Connection, Postgres, Record

from post_service.model.media import Announcement, Focus, Kind, MediaState, Medium, Variant

COLUMNS = """author_id, id, kind, content_type, bytes, sha256, alt_text, focal_x, focal_y, state, reason, blurhash,
    width, height, place, next_place, old_place, variants, post_id, attempts, created_at"""


def medium_of(row: Record | Mapping[str, Any]) -> Medium:
    return Medium(
        id=row["id"],
        author_id=row["author_id"],
        kind=Kind(row["kind"]),
        content_type=row["content_type"],
        bytes=row["bytes"],
        sha256=row["sha256"],
        alt_text=row["alt_text"],
        focus=Focus(row["focal_x"], row["focal_y"]),
        state=MediaState(row["state"]),
        reason=row["reason"],
        blurhash=row["blurhash"],
        width=row["width"],
        height=row["height"],
        place=row["place"],
        next_place=row["next_place"],
        old_place=row["old_place"],
        variants=tuple(Variant(**variant) for variant in row["variants"]),
        post_id=row["post_id"],
        attempts=row["attempts"],
        created_at=row["created_at"],
    )


class MediaStore:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def reserve(self, author_id: int, request_id: str, asked: Announcement) -> Medium:
        """The new medium, or the one made before with this request id."""
        insert = f"""insert into media (author_id, request_id, kind, content_type, bytes, sha256, alt_text, state)
            values ($1, $2, $3, $4, $5, $6, $7, $8)
            on conflict (author_id, request_id) do nothing returning {COLUMNS}"""
        select = f"select {COLUMNS} from media where author_id = $1 and request_id = $2"
        values = (asked.kind, asked.content_type, asked.bytes, asked.sha256, asked.alt_text, MediaState.WAITING)
        async with self._postgres.primary.acquire() as conn:
            row = await conn.fetchrow(insert, author_id, request_id, *values)
            row = row or await conn.fetchrow(select, author_id, request_id)
        assert row is not None  # noqa: S101 rows of media stay for as long as their request ids may come back
        return medium_of(row)

    async def get(self, author_id: int, media_id: int) -> Medium | None:
        query = f"select {COLUMNS} from media where author_id = $1 and id = $2"
        row = await self._postgres.primary.fetchrow(query, author_id, media_id)
        return medium_of(row) if row else None

    async def of_post(self, author_id: int, post_id: int) -> list[Medium]:
        """In any state, in their order in the post."""
        async with self._postgres.primary.acquire() as conn:
            return (await of_posts(conn, [author_id], [post_id])).get(post_id, [])

    async def misplaced(self, author_id: int, *, shown: bool, after: int, limit: int) -> list[Medium]:
        """Ready media of the author that are stored where their posts' audience does not need them, by rising id, given
        whether the account's public posts are shown to all. What no post uses goes with those."""
        query = f"""select {COLUMNS} from media where author_id = $1 and id > $2 and state = $3
            and (place like 'public/%') <> ($4 and (post_id = 0 or exists (
                select 1 from posts where posts.author_id = media.author_id and posts.id = media.post_id
                and posts.audience = 1)))
            order by id limit $5"""
        rows = await self._postgres.primary.fetch(query, author_id, after, MediaState.READY, shown, limit)
        return [medium_of(row) for row in rows]


async def reload(conn: Connection, author_id: int, media_id: int) -> Medium | None:
    """Inside a transaction, locked."""
    query = f"select {COLUMNS} from media where author_id = $1 and id = $2 for update"
    row = await conn.fetchrow(query, author_id, media_id)
    return medium_of(row) if row else None


async def reload_many(conn: Connection, author_id: int, ids: Sequence[int]) -> dict[int, Medium]:
    query = f"select {COLUMNS} from media where author_id = $1 and id = any($2) for update"
    return {row["id"]: medium_of(row) for row in await conn.fetch(query, author_id, ids)}


async def of_posts(conn: Connection, author_ids: Sequence[int], post_ids: Sequence[int]) -> dict[int, list[Medium]]:
    """Media of the posts in their order in the post."""
    query = f"""select {COLUMNS} from media
        where author_id = any($1) and post_id = any($2) and post_id > 0 order by post_id, position"""
    found: dict[int, list[Medium]] = {}
    for row in await conn.fetch(query, author_ids, post_ids):
        found.setdefault(row["post_id"], []).append(medium_of(row))
    return found


async def attach(conn: Connection, author_id: int, post_id: int, ids: Sequence[int]) -> None:
    await conn.execute(
        """update media set post_id = $2, position = given.position, changed_at = clock_timestamp()
        from unnest($3::bigint[]) with ordinality as given (id, position)
        where media.author_id = $1 and media.id = given.id""",
        author_id,
        post_id,
        ids,
    )


async def move_on(conn: Connection, medium: Medium, state: MediaState, reason: str = "") -> None:
    await conn.execute(
        """update media set state = $3, reason = $4, changed_at = clock_timestamp() where author_id = $1 and id = $2""",
        medium.author_id,
        medium.id,
        state,
        reason,
    )


async def mark_uploaded(conn: Connection, author_id: int, media_id: int) -> Medium | None:
    """None when the medium was not waiting any more."""
    query = f"""update media set state = $4, changed_at = clock_timestamp()
        where author_id = $1 and id = $2 and state = $3 returning {COLUMNS}"""
    row = await conn.fetchrow(query, author_id, media_id, MediaState.WAITING, MediaState.CHECKING)
    return medium_of(row) if row else None


async def describe(conn: Connection, author_id: int, media_id: int, alt_text: str, focus: Focus) -> None:
    await conn.execute(
        """update media set alt_text = $3, focal_x = $4, focal_y = $5, changed_at = clock_timestamp()
        where author_id = $1 and id = $2""",
        author_id,
        media_id,
        alt_text,
        focus.x,
        focus.y,
    )


async def delete_of_post(conn: Connection, author_id: int, post_id: int) -> None:
    await conn.execute(
        "update media set state = $3, changed_at = clock_timestamp() where author_id = $1 and post_id = $2",
        author_id,
        post_id,
        MediaState.DELETED,
    )


def variants_json(variants: Sequence[Variant]) -> list[dict[str, Any]]:
    return [asdict(variant) for variant in variants]
