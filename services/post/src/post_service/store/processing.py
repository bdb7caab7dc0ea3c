"""The media worker's notes on its own progress: what a restart after a kill reads to go on without leaving orphans."""

# ruff: noqa: S608 only constants of this service are put into queries

from collections.abc import Sequence

from kit.postgres import Connection, Postgres

from post_service.model.media import MediaState, Medium, Variant
from post_service.store.media import COLUMNS, medium_of, variants_json


class ProcessingStore:
    """Single-row updates that no event tells of, each in a transaction of its own."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def choose_place(self, medium: Medium, place: str) -> str | None:
        """Notes where the variants will be written, before a byte is. Answers the place noted first; None when there is
        no such medium any more."""
        query = """update media set place = case when place = '' then $3 else place end, changed_at = clock_timestamp()
            where author_id = $1 and id = $2 returning place"""
        return await self._postgres.primary.fetchval(query, medium.author_id, medium.id, place)

    async def choose_next_place(self, medium: Medium, place: str) -> str:
        """The same for a move. A next place of the wrong kind from before is moved aside to be removed."""
        query = """update media set next_place = $3, changed_at = clock_timestamp()
            where author_id = $1 and id = $2 and next_place = $4 returning next_place"""
        done = await self._postgres.primary.fetchval(query, medium.author_id, medium.id, place, medium.next_place)
        return done or ""

    async def count_attempt(self, medium: Medium) -> int:
        """Which attempt this is, from 1."""
        query = """update media set attempts = attempts + 1, changed_at = clock_timestamp()
            where author_id = $1 and id = $2 returning attempts"""
        return await self._postgres.primary.fetchval(query, medium.author_id, medium.id) or 0

    async def forget_attempts(self, medium: Medium) -> None:
        query = "update media set attempts = 0 where author_id = $1 and id = $2"
        await self._postgres.primary.execute(query, medium.author_id, medium.id)

    async def show_state(self, medium: Medium, state: MediaState) -> None:
        """Between the states of work only: a medium deleted meanwhile stays so."""
        query = """update media set state = $3, changed_at = clock_timestamp()
            where author_id = $1 and id = $2 and state in (2, 3, 4)"""
        await self._postgres.primary.execute(query, medium.author_id, medium.id, state)

    async def forget_old_place(self, medium: Medium) -> None:
        query = "update media set old_place = '' where author_id = $1 and id = $2 and old_place = $3"
        await self._postgres.primary.execute(query, medium.author_id, medium.id, medium.old_place)

    async def forget_places(self, medium: Medium) -> None:
        """All files are gone. The place stays: whoever is still writing there purges it once more after that."""
        query = """update media set next_place = '', old_place = '', variants = '[]'
            where author_id = $1 and id = $2"""
        await self._postgres.primary.execute(query, medium.author_id, medium.id)

    async def unfinished(self, *, older_than_seconds: float, limit: int) -> list[Medium]:
        """Media whose work seems forgotten: a worker died between its last commit and the event's end for good."""
        query = f"""select {COLUMNS} from media
            where (state in (2, 3, 4) or old_place <> '' or next_place <> '')
              and changed_at < clock_timestamp() - make_interval(secs => $1) order by changed_at limit $2"""
        return [medium_of(row) for row in await self._postgres.primary.fetch(query, older_than_seconds, limit)]

    async def queue(self) -> tuple[int, float]:
        """How many media are in work (counted to 10,001), and for how many seconds the one that waits the longest has
        not moved on."""
        query = """select count(*) as depth,
                coalesce(extract(epoch from clock_timestamp() - min(changed_at)), 0)::float8 as age
            from (select changed_at from media where state in (2, 3, 4) order by changed_at limit 10001) as waiting"""
        (row,) = await self._postgres.primary.fetch(query)
        return row["depth"], row["age"]

    async def in_work(self, ids: Sequence[int]) -> set[int]:
        query = "select id from media where id = any($1) and state in (2, 3, 4)"
        return {row["id"] for row in await self._postgres.primary.fetch(query, ids)}


async def finish(
    conn: Connection, medium: Medium, variants: Sequence[Variant], *, blurhash: str, width: int, height: int
) -> None:
    await conn.execute(
        """update media set state = $3, variants = $4, blurhash = $5, width = $6, height = $7, attempts = 0,
            changed_at = clock_timestamp() where author_id = $1 and id = $2""",
        medium.author_id,
        medium.id,
        MediaState.READY,
        variants_json(variants),
        blurhash,
        width,
        height,
    )


async def switch_place(conn: Connection, medium: Medium) -> None:
    """The moved files are in use from now on; those left behind are noted for removal."""
    await conn.execute(
        """update media set place = next_place, old_place = place, next_place = '', changed_at = clock_timestamp()
        where author_id = $1 and id = $2""",
        medium.author_id,
        medium.id,
    )


async def keep_original(conn: Connection, medium: Medium) -> None:
    """Locks the row of this author's original with this content until the end of the transaction."""
    await conn.execute(
        """insert into originals (author_id, sha256, bytes) values ($1, $2, $3)
        on conflict (author_id, sha256) do update set bytes = excluded.bytes""",
        medium.author_id,
        medium.sha256,
        medium.bytes,
    )


async def release_original(conn: Connection, medium: Medium) -> bool:
    """Whether no other medium needs the original: its row is gone then, if the transaction commits."""
    await conn.fetchval(
        "select 1 from originals where author_id = $1 and sha256 = $2 for update", medium.author_id, medium.sha256
    )
    needed = await conn.fetchval(
        """select exists (select 1 from media where author_id = $1 and sha256 = $2 and id <> $3
            and state in (2, 3, 4, 5))""",
        medium.author_id,
        medium.sha256,
        medium.id,
    )
    if not needed:
        await conn.execute(
            "delete from originals where author_id = $1 and sha256 = $2", medium.author_id, medium.sha256
        )
    return not needed
