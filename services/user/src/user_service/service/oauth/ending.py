"""The end of what somebody let an app do."""

from collections.abc import Sequence

from kit.postgres import Postgres

from user_service.model import oauth_errors
from user_service.model.oauth import AuthorizedApp
from user_service.model.security import Device, Kind, SecurityEvent
from user_service.service.oauth.lasting import Lasting
from user_service.store.app_sessions import AppSessionStore
from user_service.store.grants import GrantStore
from user_service.store.security_log import SecurityLog
from user_service.store.sessions import SessionStore


class Ending:
    def __init__(
        self,
        postgres: Postgres,
        grants: GrantStore,
        sessions: SessionStore,
        app_sessions: AppSessionStore,
        log: SecurityLog,
        lasting: Lasting,
    ) -> None:
        self._postgres, self._grants, self._sessions = postgres, grants, sessions
        self._app_sessions, self._log, self._lasting = app_sessions, log, lasting

    async def authorized(self, user_id: int) -> Sequence[AuthorizedApp]:
        """The latest first."""
        return await self._grants.authorized(user_id, self._lasting.clock())

    async def remove(self, user_id: int, app_id: int, device: Device) -> None:
        """Raises NotFound APP_NOT_FOUND when the account lets no such app do anything."""
        found = [app for app in await self.authorized(user_id) if app.id == app_id]
        if not found:
            raise oauth_errors.app_not_found()
        details = {"app_id": str(app_id), "app": found[0].name}
        async with self._postgres.primary.transaction() as conn:
            await self._grants.delete_codes(conn, user_id, app_id)
            await self._log.record(conn, SecurityEvent(user_id, Kind.APP_REMOVED, device, details=details))
            now, until = self._lasting.now()
            await self._app_sessions.revoke_of_user(conn, user_id, app_id, now=now, until=until)

    async def end(self, user_id: int, session_id: int, why: Kind, device: Device) -> None:
        """One grant; it may have ended before."""
        async with self._postgres.primary.transaction() as conn:
            session = await self._sessions.lock(conn, user_id, session_id)
            if session is None or session.revoked_at is not None:
                return
            details = {"app_id": str(session.app_id)}
            await self._log.record(conn, SecurityEvent(user_id, why, device, session_id, details))
            now, until = self._lasting.now()
            await self._sessions.revoke(conn, session, now=now, until=until)
