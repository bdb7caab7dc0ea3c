"""Queries of the sessions that apps were given. All else about sessions is SessionStore's."""

from collections.abc import Sequence
from datetime import datetime

from kit.postgres import Connection, Record

from user_service.store.sessions import hold_revisions

_LIVES = "select revoked_at is null and expires_at > $3 from sessions where user_id = $1 and session_id = $2 for share"
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

    async def lives(self, conn: Connection, user_id: int, session_id: int, now: datetime) -> bool:
        """And stays as it is until the end of the transaction."""
        return bool(await conn.fetchval(_LIVES, user_id, session_id, now))

    async def revoke_of_user(
        self, conn: Connection, user_id: int, app_id: int, *, now: datetime, until: datetime
    ) -> None:
        ended = await conn.fetch(_END_OF_USER, user_id, app_id, now)
        await self.list_revoked(conn, _pairs(ended), until)

    async def revoke_all(
        self, conn: Connection, app_id: int, *, now: datetime, until: datetime, own: tuple[int, int] | None
    ) -> None:
        """Of everybody. `own` is the owner's id and the name of the app's secret in tokens of its own."""
        ended = await conn.fetch(_END_OF_ALL, app_id, now)
        await self.list_revoked(conn, [*_pairs(ended), *([own] if own else [])], until)

    async def list_revoked(self, conn: Connection, pairs: Sequence[tuple[int, int]], until: datetime) -> None:
        await hold_revisions(conn)
        await conn.execute(_LIST, [user_id for user_id, _ in pairs], [session for _, session in pairs], until)


def _pairs(ended: Sequence[Record]) -> list[tuple[int, int]]:
    return [(row["user_id"], row["session_id"]) for row in ended]
