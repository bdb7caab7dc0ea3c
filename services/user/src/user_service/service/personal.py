"""What this service itself keeps about an account: handed out, and taken away for good."""

from collections.abc import Callable
from functools import partial
from typing import Protocol

from kit import personal
from kit.outbox import Event, Outbox
from kit.personal import Found, Piece
from kit.s3 import Bucket

from user_service.model.accounts import Account
from user_service.model.lifecycle import AccountErased, next_sweep
from user_service.service.avatars import Avatars
from user_service.store.accounts import AccountStore
from user_service.store.lifecycle import ErasureStore, ExportStore
from user_service.store.personal import EXPORTED, PersonalStore
from user_service.store.profiles import ProfileCache


class OwnApps(Protocol):
    """Apps that the account has registered, with all that anybody let them do."""

    async def delete_all(self, owner_id: int) -> None: ...


class PersonalData:
    """`event_of` puts the erasure into the words that other services know."""

    def __init__(
        self,
        outbox: Outbox,
        rows: PersonalStore,
        accounts: AccountStore,
        erasures: ErasureStore,
        exports: ExportStore,
        cache: ProfileCache,
        bucket: Bucket,
        avatars: Avatars,
        apps: OwnApps,
        event_of: Callable[[AccountErased], Event],
    ) -> None:
        self._outbox, self._rows, self._accounts = outbox, rows, accounts
        self._erasures, self._exports, self._cache = erasures, exports, cache
        self._bucket, self._avatars, self._apps, self._event_of = bucket, avatars, apps, event_of

    async def export(self, user_id: int, token: str) -> tuple[list[Piece], str]:
        arrays = {f"{table}.json": partial(self._table, table, user_id) for table in EXPORTED}
        return await personal.export({**arrays, "apps.json": partial(self._own_apps, user_id)}, token)

    async def erase(self, user_id: int, erased: AccountErased) -> None:
        """Files first, then all rows, the tombstone and the event in one transaction. Idempotent."""
        await self._avatars.erase(user_id)
        await self._apps.delete_all(user_id)
        await self._bucket.delete(*await self._exports.keys_of(user_id))
        async with self._outbox.transaction() as transaction:
            account = await self._accounts.lock(transaction.conn, user_id)
            if account is not None:
                await self._rows.erase(transaction.conn, user_id, account.email)
                due_at = next_sweep(0, erased.erased_at)
                await self._erasures.finish(transaction.conn, user_id, erased.erased_at, due_at)
                await transaction.emit(self._event_of(erased))
        await self._cache.drop(user_id)

    async def _table(self, table: str, user_id: int, _position: str) -> Found:
        files = await self._avatar(user_id) if table == "accounts" else []
        return Found(await self._rows.export(table, user_id), files=files)

    async def _own_apps(self, user_id: int, _position: str) -> Found:
        return Found(await self._rows.apps(user_id))

    async def _avatar(self, user_id: int) -> list[Piece]:
        account: Account | None = await self._accounts.get(user_id)
        place = account.profile.avatar_key if account else ""
        keys = [entry.key async for entry in self._bucket.list(f"{place}/")] if place else []
        return [Piece(f"avatar/{key.rpartition('/')[2]}", object_key=key) for key in keys]
