"""Queries of other people's apps."""

from collections.abc import Sequence

from kit.postgres import Connection, Postgres, Record

from user_service.model.accounts import AccountState
from user_service.model.apps import App, AppWish, ClientType

_SELECT = (
    "select app_id, owner_id, name, website, client_type, redirect_uris, scopes, secret_id, secret_hash, created_at "
    "from apps"
)
_INSERT = (
    "insert into apps "
    "(owner_id, name, website, client_type, redirect_uris, scopes, secret_id, secret_hash, request_id) "
    "values ($1, $2, $3, $4, $5, $6, case when $7::bytea is null then null else next_id() end, $7, $8) "
    "returning app_id, owner_id, name, website, client_type, redirect_uris, scopes, secret_id, secret_hash, created_at"
)
_UPDATE = (
    "update apps set name = $2, website = $3, redirect_uris = $4, scopes = $5, changed_at = clock_timestamp() "
    "where app_id = $1"
)
_RENEW = "update apps set secret_id = next_id(), secret_hash = $2, changed_at = clock_timestamp() where app_id = $1"


class AppStore:
    """What takes a connection runs in its transaction; the rest reads the primary: apps are who may ask for tokens.
    An app whose maker is suspended, or about to be erased, is as if it were not."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def get(self, app_id: int) -> App | None:
        async with self._postgres.primary.acquire() as conn:
            return await _made_by_somebody(conn, await conn.fetchrow(f"{_SELECT} where app_id = $1", app_id))

    async def hold(self, conn: Connection, app_id: int) -> App | None:
        """It stays as it is until the end of the transaction."""
        return await _made_by_somebody(conn, await conn.fetchrow(f"{_SELECT} where app_id = $1 for share", app_id))

    async def lock(self, conn: Connection, app_id: int, owner_id: int) -> App | None:
        row = await conn.fetchrow(f"{_SELECT} where app_id = $1 and owner_id = $2 for update", app_id, owner_id)
        return _app(row) if row else None

    async def of_owner(self, owner_id: int, limit: int) -> Sequence[App]:
        rows = await self._postgres.primary.fetch(
            f"{_SELECT} where owner_id = $1 order by app_id desc limit $2", owner_id, limit
        )
        return [_app(row) for row in rows]

    async def count(self, conn: Connection, owner_id: int) -> int:
        return await conn.fetchval("select count(*) from apps where owner_id = $1", owner_id)

    async def made_by(self, conn: Connection, owner_id: int, request_id: str) -> App | None:
        query = f"{_SELECT} where owner_id = $1 and request_id = $2 and request_id <> '' for update"
        row = await conn.fetchrow(query, owner_id, request_id)
        return _app(row) if row else None

    async def insert(
        self, conn: Connection, owner_id: int, wish: AppWish, secret_hash: bytes | None, request_id: str
    ) -> App:
        rows = await conn.fetch(
            _INSERT,
            owner_id,
            wish.name,
            wish.website,
            wish.client_type,
            list(wish.redirect_uris),
            list(wish.scopes),
            secret_hash,
            request_id,
        )
        return _app(rows[0])

    async def update(self, conn: Connection, app: App) -> None:
        """Writes what its owner can change. The row is locked."""
        await conn.execute(_UPDATE, app.id, app.name, app.website, list(app.redirect_uris), list(app.scopes))

    async def set_secret(self, conn: Connection, app_id: int, secret_hash: bytes) -> None:
        """Under an id of its own. The row is locked."""
        query = (
            "update apps set secret_id = next_id(), secret_hash = $2, changed_at = clock_timestamp() where app_id = $1"
        )
        await conn.execute(query, app_id, secret_hash)

    async def delete(self, conn: Connection, app_id: int) -> None:
        await conn.execute("delete from apps where app_id = $1", app_id)


async def _made_by_somebody(conn: Connection, row: Record | None) -> App | None:
    """The app, if its maker's account is active."""
    query = "select true from accounts where user_id = $1 and state = $2"
    return _app(row) if row and await conn.fetchval(query, row["owner_id"], AccountState.ACTIVE) else None


def _app(row: Record) -> App:
    return App(
        id=row["app_id"],
        owner_id=row["owner_id"],
        name=row["name"],
        website=row["website"],
        client_type=ClientType(row["client_type"]),
        redirect_uris=tuple(row["redirect_uris"]),
        scopes=tuple(row["scopes"]),
        created_at=row["created_at"],
        secret_id=row["secret_id"],
        secret_hash=row["secret_hash"],
    )
