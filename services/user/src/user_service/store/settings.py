"""Queries of settings."""

from collections.abc import Sequence

from kit.postgres import Connection, Postgres, Record

from user_service.model.accounts import AllowedBy
from user_service.model.settings import NotifyOf, Wishes

_SELECT = "select user_id, messages_from, notifications, version from settings"


class SettingsStore:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def get(self, user_id: int) -> Wishes:
        row = await self._postgres.primary.fetchrow(f"{_SELECT} where user_id = $1", user_id)
        return _wishes(row) if row else Wishes()

    async def reload(self, conn: Connection, user_id: int) -> Wishes:
        """The account's row is locked."""
        row = await conn.fetchrow(f"{_SELECT} where user_id = $1", user_id)
        return _wishes(row) if row else Wishes()

    async def get_many(self, ids: Sequence[int]) -> dict[int, Wishes]:
        """Of those that have any, each once."""
        rows = await self._postgres.primary.fetch(f"{_SELECT} where user_id = any($1::bigint[])", list(ids))
        return {row["user_id"]: _wishes(row) for row in rows}

    async def save(self, conn: Connection, user_id: int, wishes: Wishes) -> None:
        """The account's row is locked."""
        await conn.execute(
            "insert into settings (user_id, messages_from, notifications, version) values ($1, $2, $3, $4) "
            "on conflict (user_id) do update set messages_from = excluded.messages_from, "
            "notifications = excluded.notifications, version = excluded.version, changed_at = clock_timestamp()",
            user_id,
            wishes.messages_from.value,
            {kind: of.value for kind, of in wishes.notifications.items()},
            wishes.version,
        )


def _wishes(row: Record) -> Wishes:
    notifications = {kind: NotifyOf(of) for kind, of in row["notifications"].items()}
    return Wishes(AllowedBy(row["messages_from"]), notifications, row["version"])
