"""Queries of the sessions that apps were given. All else about sessions is SessionStore's."""

from collections.abc import Sequence
from datetime import datetime

from kit.postgres import Connection, Postgres, Record

from user_service.store.sessions import hold_revisions

_END_OF_USER = (
    "update sessions set revoked_at = $3 where user_id = $1 and app_id = $2 and revoked_at is null "
    "returning user_id, session_id"
)
_END_OF_ALL = (
    "update sessions set revoked_at = $2 where app_id = $1 and revoked_at is null returning user_id, session_id"
)
_LIST = (
    "insert into revocations (user_id, session_id, revision, expires_at) "
    "select ended.user_id, ended.session_id, nextval('revocation_revision'), $3 "
    "from unnest($1::bigint[], $2::bigint[]) as ended(user_id, session_id) on conflict do nothing"
)


class AppSessionStore:
    """Revocations are the last statement of their transaction, as SessionStore.revoke explains."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def app_of(self, user_id: int, session_id: int) -> tuple[int, tuple[str, ...]] | None:
        """The app and the scopes of a session that lives; the app is 0 for a client of our own."""
        query = "select app_id, scopes from sessions where user_id = $1 and session_id = $2"
        row = await self._postgres.primary.fetchrow(query, user_id, session_id)
        return (row["app_id"] or 0, tuple(row["scopes"])) if row else None

    async def lives(self, user_id: int, session_id: int, now: datetime) -> bool:
        query = "select revoked_at is null and expires_at > $3 from sessions where user_id = $1 and session_id = $2"
        return bool(await self._postgres.primary.fetchval(query, user_id, session_id, now))

    async def revoke_of_user(
        self, conn: Connection, user_id: int, app_id: int, *, now: datetime, until: datetime
    ) -> int:
        """Answers how many lived."""
        ended = await conn.fetch(_END_OF_USER, user_id, app_id, now)
        await self._list(conn, ended, until)
        return len(ended)

    async def revoke_all(
        self, conn: Connection, app_id: int, *, now: datetime, until: datetime, own: tuple[int, int] | None
    ) -> None:
        """Of everybody. `own` is the owner's id and the name of the app's secret in tokens of its own."""
        ended = await conn.fetch(_END_OF_ALL, app_id, now)
        pairs = [(row["user_id"], row["session_id"]) for row in ended]
        await self.list_revoked(conn, [*pairs, *([own] if own else [])], until)

    async def list_revoked(self, conn: Connection, pairs: Sequence[tuple[int, int]], until: datetime) -> None:
        await hold_revisions(conn)
        await conn.execute(_LIST, [user_id for user_id, _ in pairs], [session for _, session in pairs], until)

    async def _list(self, conn: Connection, ended: Sequence[Record], until: datetime) -> None:
        await self.list_revoked(conn, [(row["user_id"], row["session_id"]) for row in ended], until)
