"""Queries of sessions and of the list of revoked ones."""

from collections.abc import Sequence
from datetime import datetime

from kit.postgres import Connection, Postgres, Record

from user_service.model.sessions import Revocation, Rotated, Session

_REVISION_LOCK = 0x7265_766F  # of Postgres' advisory locks
_SELECT = (
    "select session_id, user_id, user_agent, address, family_hash, token_hash, rotated_hashes, rotated_at, created_at, "
    "last_used_at, expires_at, revoked_at, device_name, app_id, scopes from sessions"
)
_GET = f"{_SELECT} where user_id = $1 and session_id = $2"
_LOCK = f"{_GET} for update"
_ACTIVE = (
    f"{_SELECT} where user_id = $1 and app_id is null and ($2::bigint is null or session_id < $2) "
    "and revoked_at is null and expires_at > $3 order by session_id desc limit $4"
)


class SessionStore:
    """What takes a connection runs in its transaction; the rest reads the primary: a session is an authorisation."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def insert(self, conn: Connection, session: Session) -> int:
        """Answers the new session's id: the given one's is not looked at. The account's row is held, and was seen
        active."""
        return await conn.fetchval(
            "insert into sessions (user_id, user_agent, address, family_hash, token_hash, created_at, last_used_at, "
            "expires_at, device_name, app_id, scopes) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) "
            "returning session_id",
            session.user_id,
            session.user_agent,
            session.address,
            session.family_hash,
            session.token_hash,
            session.created_at,
            session.last_used_at,
            session.expires_at,
            session.device_name,
            session.app_id or None,
            list(session.scopes),
        )

    async def get(self, user_id: int, session_id: int) -> Session | None:
        row = await self._postgres.primary.fetchrow(_GET, user_id, session_id)
        return _session(row) if row else None

    async def lock(self, conn: Connection, user_id: int, session_id: int) -> Session | None:
        row = await conn.fetchrow(_LOCK, user_id, session_id)
        return _session(row) if row else None

    async def save(self, conn: Connection, session: Session) -> None:
        """Writes what a rotation changes. The row is locked."""
        await conn.execute(
            "update sessions set address = $3, token_hash = $4, rotated_hashes = $5, rotated_at = $6, "
            "last_used_at = $7, expires_at = $8 where user_id = $1 and session_id = $2",
            session.user_id,
            session.id,
            session.address,
            session.token_hash,
            [old.token_hash for old in session.rotated],
            [old.at for old in session.rotated],
            session.last_used_at,
            session.expires_at,
        )

    async def revoke(self, conn: Connection, session: Session, *, now: datetime, until: datetime) -> None:
        """Ends a session whose row is locked, and lists it as revoked until then.

        Nothing may follow in the transaction but its commit: the revision's lock keeps all other revocations waiting,
        and that is what makes every lower revision visible before a higher one.
        """
        await conn.execute(
            "update sessions set revoked_at = $3 where user_id = $1 and session_id = $2",
            session.user_id,
            session.id,
            now,
        )
        await hold_revisions(conn)
        await conn.execute(
            "insert into revocations (user_id, session_id, revision, expires_at) "
            "values ($1, $2, nextval('revocation_revision'), $3) on conflict do nothing",
            session.user_id,
            session.id,
            until,
        )

    async def revoke_all(
        self, conn: Connection, user_id: int, *, now: datetime, until: datetime, keep: int = 0, apps: bool = True
    ) -> Sequence[int]:
        """As revoke, for all sessions of the account but the one to keep, and for all log-ins that have begun; those of
        apps only if `apps`. Answers which ended. The account's row is locked, so that no new session comes in
        between."""
        await conn.execute("update accounts set session_epoch = session_epoch + 1 where user_id = $1", user_id)
        ended = await conn.fetch(
            "update sessions set revoked_at = $2 where user_id = $1 and session_id <> $3 and revoked_at is null "
            "and ($4 or app_id is null) returning session_id",
            user_id,
            now,
            keep,
            apps,
        )
        ids = [row["session_id"] for row in ended]
        await hold_revisions(conn)
        await conn.execute(
            "insert into revocations (user_id, session_id, revision, expires_at) "
            "select $1, ended, nextval('revocation_revision'), $3 from unnest($2::bigint[]) as ended "
            "on conflict do nothing",
            user_id,
            ids,
            until,
        )
        return ids

    async def active(self, user_id: int, *, before: int | None, now: datetime, limit: int) -> list[Session]:
        """Newest first, from those with an id lower than `before`."""
        rows = await self._postgres.primary.fetch(_ACTIVE, user_id, before, now, limit)
        return [_session(row) for row in rows]

    async def revocations(self, after: int, *, now: datetime, limit: int) -> Sequence[Revocation]:
        rows = await self._postgres.primary.fetch(
            "select revision, session_id, expires_at from revocations where revision > $1 and expires_at > $2 "
            "order by revision limit $3",
            after,
            now,
            limit,
        )
        return [Revocation(row["revision"], row["session_id"], row["expires_at"]) for row in rows]

    async def sweep(self, now: datetime) -> None:
        """Forgets what can matter no more."""
        await self._postgres.primary.execute("delete from revocations where expires_at < $1", now)
        await self._postgres.primary.execute("delete from sessions where expires_at < $1", now)


async def hold_revisions(conn: Connection) -> None:
    """Before a revision is drawn: nothing may follow in the transaction but the rows of what was revoked."""
    await conn.execute("select pg_advisory_xact_lock($1)", _REVISION_LOCK)


def _session(row: Record) -> Session:
    return Session(
        id=row["session_id"],
        user_id=row["user_id"],
        user_agent=row["user_agent"],
        address=row["address"],
        family_hash=row["family_hash"],
        token_hash=row["token_hash"],
        rotated=tuple(Rotated(*pair) for pair in zip(row["rotated_hashes"], row["rotated_at"], strict=True)),
        created_at=row["created_at"],
        last_used_at=row["last_used_at"],
        expires_at=row["expires_at"],
        revoked_at=row["revoked_at"],
        device_name=row["device_name"],
        app_id=row["app_id"] or 0,
        scopes=tuple(row["scopes"]),
    )
