"""Queries of exports and erasures. Work is claimed for a while: whoever dies leaves it to others."""

# ruff: noqa: S608 only constants of this service are put into queries

from collections.abc import Sequence
from datetime import datetime, timedelta

from kit.postgres import Connection, Postgres, Record

from user_service.model.lifecycle import Erasure, Export, ExportState

_EXPORT = """user_id, export_id, state, progress, attempts, object_key, bytes, requested_at, ready_at, expires_at"""
_CLAIM_EXPORT = f"""
update exports set state = 2, attempts = attempts + 1, claimed_until = clock_timestamp() + $1,
    object_key = case when object_key = '' then $2 else object_key end
where (user_id, export_id) in (
    select user_id, export_id from exports
    where state in (1, 2) and (claimed_until is null or claimed_until < clock_timestamp())
    order by requested_at limit 1 for update skip locked
) returning {_EXPORT}
"""
_CLAIM_ERASURE = """
update erasures set claimed_until = clock_timestamp() + $2
where user_id in (
    select user_id from erasures
    where due_at <= $1 and (claimed_until is null or claimed_until < clock_timestamp())
    order by due_at limit 1 for update skip locked
) returning user_id, erased_at, sweeps
"""


class ExportStore:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def newest(self, user_id: int) -> Export | None:
        query = f"select {_EXPORT} from exports where user_id = $1 order by export_id desc limit 1"
        row = await self._postgres.primary.fetchrow(query, user_id)
        return _export(row) if row else None

    async def newest_in(self, conn: Connection, user_id: int) -> Export | None:
        query = f"select {_EXPORT} from exports where user_id = $1 order by export_id desc limit 1"
        row = await conn.fetchrow(query, user_id)
        return _export(row) if row else None

    async def insert(self, conn: Connection, user_id: int, now: datetime) -> Export:
        """The account's row is locked."""
        query = f"insert into exports (user_id, requested_at) values ($1, $2) returning {_EXPORT}"
        row = await conn.fetchrow(query, user_id, now)
        assert row is not None  # noqa: S101 an insert that returns has one row
        return _export(row)

    async def claim(self, object_key: str, lease: timedelta) -> Export | None:
        """One that waits, or that somebody left. `object_key` is for one that has none yet."""
        row = await self._postgres.primary.fetchrow(_CLAIM_EXPORT, lease, object_key)
        return _export(row) if row else None

    async def go_on(self, export: Export, progress: int, lease: timedelta) -> bool:
        """False when the export is gone: its account was erased meanwhile."""
        query = """update exports set progress = $3, claimed_until = clock_timestamp() + $4
            where user_id = $1 and export_id = $2 returning true"""
        return bool(await self._postgres.primary.fetchval(query, export.user_id, export.id, progress, lease))

    async def finish(self, conn: Connection, export: Export, size: int, now: datetime, expires_at: datetime) -> bool:
        """False when the export is gone."""
        query = """update exports set state = 3, progress = 100, bytes = $3, ready_at = $4, expires_at = $5,
            claimed_until = null where user_id = $1 and export_id = $2 returning true"""
        return bool(await conn.fetchval(query, export.user_id, export.id, size, now, expires_at))

    async def end(self, export: Export, state: ExportState) -> None:
        query = """update exports set state = $3, object_key = '', claimed_until = null
            where user_id = $1 and export_id = $2"""
        await self._postgres.primary.execute(query, export.user_id, export.id, state)

    async def expired(self, now: datetime, limit: int) -> Sequence[Export]:
        query = f"select {_EXPORT} from exports where state = 3 and expires_at <= $1 order by expires_at limit $2"
        return [_export(row) for row in await self._postgres.primary.fetch(query, now, limit)]

    async def keys_of(self, user_id: int) -> list[str]:
        query = "select object_key from exports where user_id = $1 and object_key <> ''"
        return [row["object_key"] for row in await self._postgres.primary.fetch(query, user_id)]


class ErasureStore:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def request(self, conn: Connection, user_id: int, now: datetime, due_at: datetime) -> None:
        await conn.execute(
            """insert into erasures (user_id, requested_at, due_at) values ($1, $2, $3)
            on conflict (user_id) do update set requested_at = excluded.requested_at, due_at = excluded.due_at""",
            user_id,
            now,
            due_at,
        )

    async def call_off(self, conn: Connection, user_id: int) -> bool:
        """False when it has begun. The account's row is locked."""
        await conn.execute("delete from erasures where user_id = $1 and begun_at is null", user_id)
        return not await conn.fetchval("select exists (select from erasures where user_id = $1)", user_id)

    async def claim(self, now: datetime, lease: timedelta) -> Erasure | None:
        """One whose time has come: to begin, to go on, or for a sweep."""
        row = await self._postgres.primary.fetchrow(_CLAIM_ERASURE, now, lease)
        return Erasure(row["user_id"], row["erased_at"], row["sweeps"]) if row else None

    async def hold(self, user_id: int, lease: timedelta) -> None:
        query = "update erasures set claimed_until = clock_timestamp() + $2 where user_id = $1"
        await self._postgres.primary.execute(query, user_id, lease)

    async def begin(self, conn: Connection, user_id: int, now: datetime) -> None:
        """The account's row is locked."""
        query = "update erasures set begun_at = coalesce(begun_at, $2) where user_id = $1"
        await conn.execute(query, user_id, now)

    async def pause(self, user_id: int, until: datetime) -> None:
        query = "update erasures set due_at = $2, claimed_until = null where user_id = $1"
        await self._postgres.primary.execute(query, user_id, until)

    async def finish(self, conn: Connection, user_id: int, now: datetime, next_sweep: datetime | None) -> None:
        query = "update erasures set erased_at = $2, due_at = $3, claimed_until = null where user_id = $1"
        await conn.execute(query, user_id, now, next_sweep)

    async def swept(self, user_id: int, next_sweep: datetime | None) -> None:
        query = "update erasures set sweeps = sweeps + 1, due_at = $2, claimed_until = null where user_id = $1"
        await self._postgres.primary.execute(query, user_id, next_sweep)

    async def withdraw(self, user_id: int) -> None:
        """Of an account that is not to be erased after all."""
        await self._postgres.primary.execute("delete from erasures where user_id = $1 and begun_at is null", user_id)


def _export(row: Record) -> Export:
    return Export(
        id=row["export_id"],
        user_id=row["user_id"],
        state=ExportState(row["state"]),
        progress=row["progress"],
        attempts=row["attempts"],
        object_key=row["object_key"],
        bytes=row["bytes"],
        requested_at=row["requested_at"],
        ready_at=row["ready_at"],
        expires_at=row["expires_at"],
    )
