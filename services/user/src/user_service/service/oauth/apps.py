"""Use cases of those who make apps."""

from collections.abc import Mapping, Sequence

from kit.postgres import Connection, Postgres

from user_service.model import errors, oauth_errors
from user_service.model.apps import MAX_APPS, App, AppWish, changed, new_secret
from user_service.model.security import Device, Kind, SecurityEvent
from user_service.model.sessions import hash_of
from user_service.service.oauth.lasting import Lasting
from user_service.store.accounts import AccountStore
from user_service.store.app_sessions import AppSessionStore
from user_service.store.apps import AppStore
from user_service.store.security_log import SecurityLog


class Apps:
    """An app of another account's counts as none: NotFound APP_NOT_FOUND."""

    def __init__(
        self,
        postgres: Postgres,
        store: AppStore,
        sessions: AppSessionStore,
        accounts: AccountStore,
        log: SecurityLog,
        lasting: Lasting,
    ) -> None:
        self._postgres, self._store, self._sessions = postgres, store, sessions
        self._accounts, self._log, self._lasting = accounts, log, lasting

    async def create(self, owner_id: int, wish: AppWish, request_id: str, device: Device) -> tuple[App, str]:
        """With its secret, empty for a public app. A repeated request gets the app that it made, under a new secret:
        nobody knows the first one any more. Raises ResourceExhausted TOO_MANY_APPS."""
        secret = new_secret() if wish.confidential else ""
        secret_hash = hash_of(secret.encode()) if secret else None
        async with self._postgres.primary.transaction() as conn:
            # Whoever makes two at once makes one after the other.
            if await self._accounts.lock(conn, owner_id) is None:
                raise errors.user_not_found()
            made = await self._store.made_by(conn, owner_id, request_id)
            if made is None:
                if await self._store.count(conn, owner_id) >= MAX_APPS:
                    raise oauth_errors.too_many_apps(MAX_APPS)
                made = await self._store.insert(conn, owner_id, wish, secret_hash, request_id)
                await self._tell(conn, made, Kind.APP_CREATED, device)
            elif secret_hash:
                await self._store.set_secret(conn, made.id, secret_hash)
        return made, secret if made.confidential else ""

    async def list(self, owner_id: int) -> Sequence[App]:
        return await self._store.of_owner(owner_id, MAX_APPS)

    async def get(self, owner_id: int, app_id: int) -> App:
        found = await self._store.get(app_id)
        if found is None or found.owner_id != owner_id:
            raise oauth_errors.app_not_found()
        return found

    async def edit(self, owner_id: int, app_id: int, values: Mapping[str, object]) -> App:
        """Raises InvalidArgument INVALID_FIELD."""
        async with self._postgres.primary.transaction() as conn:
            before = await self._store.lock(conn, app_id, owner_id)
            if before is None:
                raise oauth_errors.app_not_found()
            after = changed(before, values)
            await self._store.update(conn, after)
        return after

    async def renew_secret(self, owner_id: int, app_id: int) -> str:
        """What the app got for itself with the old one ends now. Raises FailedPrecondition APP_IS_PUBLIC."""
        secret = new_secret()
        async with self._postgres.primary.transaction() as conn:
            app = await self._store.lock(conn, app_id, owner_id)
            if app is None:
                raise oauth_errors.app_not_found()
            if app.secret_id is None:
                raise oauth_errors.public_app()
            await self._store.set_secret(conn, app_id, hash_of(secret.encode()))
            await self._tell(conn, app, Kind.APP_SECRET_RENEWED)
            _, until = self._lasting.now()
            await self._sessions.list_revoked(conn, [(owner_id, app.secret_id)], until)
        return secret

    async def delete(self, owner_id: int, app_id: int) -> None:
        """With everything that anybody let it do."""
        async with self._postgres.primary.transaction() as conn:
            app = await self._store.lock(conn, app_id, owner_id)
            if app is None:
                raise oauth_errors.app_not_found()
            # Whoever redeems a code holds the app's row: their session is here by now, or will find no app.
            await self._store.delete(conn, app_id)
            await self._tell(conn, app, Kind.APP_DELETED)
            now, until = self._lasting.now()
            own = (owner_id, app.secret_id) if app.secret_id else None
            await self._sessions.revoke_all(conn, app_id, now=now, until=until, own=own)

    async def _tell(self, conn: Connection, app: App, kind: Kind, device: Device = Device()) -> None:  # noqa: B008 frozen
        details = {"app_id": str(app.id), "app": app.name}
        await self._log.record(conn, SecurityEvent(app.owner_id, kind, device, details=details))
