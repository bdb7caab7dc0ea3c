"""Queries of what people let apps do: the browsers in which they say so, codes, and the sessions that come of them."""

from collections.abc import Sequence
from datetime import datetime

from kit.postgres import Connection, Postgres, Record

from user_service.model.oauth import AuthorizedApp, Browser, Code, Handle

_BROWSER = (
    "select accounts.username, browser_logins.secret_hash from browser_logins "
    "join sessions on sessions.user_id = browser_logins.user_id and sessions.session_id = browser_logins.session_id "
    "join accounts on accounts.user_id = browser_logins.user_id "
    "where browser_logins.user_id = $1 and browser_logins.session_id = $2 and browser_logins.expires_at > $3 "
    "and sessions.revoked_at is null and sessions.expires_at > $3 and accounts.state = 1"
)
_CODE = (
    "select code_id, user_id, secret_hash, app_id, login_id, redirect_uri, scopes, challenge, expires_at, used_at, "
    "session_id from authorization_codes where user_id = $1 and code_id = $2"
)
_INSERT_CODE = (
    "insert into authorization_codes (user_id, secret_hash, app_id, login_id, redirect_uri, scopes, challenge, "
    "expires_at) values ($1, $2, $3, $4, $5, $6, $7, $8) returning code_id"
)
_USE_CODE = (
    "update authorization_codes set used_at = $3, session_id = $4 "
    "where user_id = $1 and code_id = $2 and used_at is null"
)
_AUTHORIZED = (
    "select app_id, array_agg(distinct scope) as scopes, min(created_at) as since, max(last_used_at) as used "
    "from sessions cross join unnest(scopes) as scope "
    "where user_id = $1 and app_id is not null and revoked_at is null and expires_at > $2 group by app_id"
)


class GrantStore:
    """What takes a connection runs in its transaction; the rest reads the primary."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def insert_browser(
        self, conn: Connection, user_id: int, session_id: int, secret_hash: bytes, expires_at: datetime
    ) -> None:
        query = "insert into browser_logins (user_id, session_id, secret_hash, expires_at) values ($1, $2, $3, $4)"
        await conn.execute(query, user_id, session_id, secret_hash, expires_at)

    async def browser(self, handle: Handle, now: datetime) -> tuple[Browser, bytes] | None:
        """With the hash of its secret; None when that log-in is over, or the account is not active."""
        row = await self._postgres.primary.fetchrow(_BROWSER, handle.user_id, handle.id, now)
        return (Browser(handle.user_id, handle.id, row["username"]), row["secret_hash"]) if row else None

    async def insert_code(self, conn: Connection, code: Code) -> int:
        """Answers the new code's id: the given one's is not looked at."""
        return await conn.fetchval(
            _INSERT_CODE,
            code.user_id,
            code.secret_hash,
            code.app_id,
            code.login_id,
            code.redirect_uri,
            list(code.scopes),
            code.challenge,
            code.expires_at,
        )

    async def code(self, handle: Handle) -> Code | None:
        row = await self._postgres.primary.fetchrow(_CODE, handle.user_id, handle.id)
        return _code(row) if row else None

    async def use_code(self, conn: Connection, code: Code, now: datetime, session_id: int = 0) -> bool:
        """False when it was used before. `session_id` is what it gives, 0 nothing. Waits for whoever is using it."""
        return await conn.execute(_USE_CODE, code.user_id, code.id, now, session_id or None) == "UPDATE 1"

    async def delete_codes(self, conn: Connection, user_id: int, app_id: int) -> None:
        await conn.execute("delete from authorization_codes where user_id = $1 and app_id = $2", user_id, app_id)

    async def authorized(self, user_id: int, now: datetime) -> Sequence[AuthorizedApp]:
        """The latest first. Apps that were deleted have no sessions any more."""
        rows = await self._postgres.primary.fetch(_AUTHORIZED, user_id, now)
        ids = [row["app_id"] for row in rows]
        found = await self._postgres.primary.fetch(
            "select app_id, name, website from apps where app_id = any($1::bigint[])", ids
        )
        apps = {row["app_id"]: row for row in found}
        known = [_authorized(row, apps[row["app_id"]]) for row in rows if row["app_id"] in apps]
        return sorted(known, key=lambda app: app.authorized_at, reverse=True)

    async def sweep(self, codes_before: datetime, now: datetime) -> None:
        await self._postgres.primary.execute("delete from authorization_codes where expires_at < $1", codes_before)
        await self._postgres.primary.execute("delete from browser_logins where expires_at < $1", now)


def _code(row: Record) -> Code:
    return Code(
        id=row["code_id"],
        user_id=row["user_id"],
        secret_hash=row["secret_hash"],
        app_id=row["app_id"],
        login_id=row["login_id"],
        redirect_uri=row["redirect_uri"],
        scopes=tuple(row["scopes"]),
        challenge=row["challenge"],
        expires_at=row["expires_at"],
        used_at=row["used_at"],
        session_id=row["session_id"] or 0,
    )


def _authorized(row: Record, app: Record) -> AuthorizedApp:
    return AuthorizedApp(
        id=row["app_id"],
        name=app["name"],
        website=app["website"],
        scopes=tuple(row["scopes"]),
        authorized_at=row["since"],
        last_used_at=row["used"],
    )
