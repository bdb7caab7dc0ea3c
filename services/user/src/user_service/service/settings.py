"""Use cases of settings."""

from collections.abc import Mapping, Sequence

from kit.outbox import Outbox

from user_service.model import errors
from user_service.model.accounts import Account, AccountState, edited
from user_service.model.settings import Settings, Value, Wishes, parted, wished
from user_service.service.profile_changes import ProfileChanges
from user_service.store.accounts import AccountStore
from user_service.store.profiles import ProfileCache
from user_service.store.settings import SettingsStore

MAX_IDS = 200


class AccountSettings:
    def __init__(
        self,
        outbox: Outbox,
        accounts: AccountStore,
        store: SettingsStore,
        profile_changes: ProfileChanges,
        cache: ProfileCache,
    ) -> None:
        self._outbox, self._accounts, self._store = outbox, accounts, store
        self._profile_changes, self._cache = profile_changes, cache

    async def get(self, user_id: int) -> Settings:
        """Raises NotFound USER_NOT_FOUND."""
        account = _existing(await self._accounts.get(user_id))
        return Settings(account.profile, await self._store.get(user_id))

    async def update(self, user_id: int, values: Mapping[str, Value], *, etag: str) -> Settings:
        """Changes these settings, all or none; an empty etag fits any version. What others must heed changes the
        profile, as Accounts.edit does. Raises NotFound USER_NOT_FOUND, Aborted ETAG_MISMATCH, InvalidArgument
        INVALID_FIELD."""
        of_profile, of_wishes = parted(values)
        async with self._outbox.transaction() as transaction:
            account = _existing(await self._accounts.lock(transaction.conn, user_id))
            before = Settings(account.profile, await self._store.reload(transaction.conn, user_id))
            if etag and etag != before.etag:
                raise errors.settings_changed()
            wishes = wished(before.wishes, of_wishes)
            account = await self._profile_changes.save(transaction, account, edited(account.profile, of_profile))
            if wishes != before.wishes:
                await self._store.save(transaction.conn, user_id, wishes)
        await self._cache.put(account.profile)
        return Settings(account.profile, wishes)

    async def wishes(self, ids: Sequence[int]) -> dict[int, Wishes]:
        """Of those of the accounts that have ever wished anything. Raises InvalidArgument TOO_MANY_IDS."""
        if len(ids) > MAX_IDS:
            raise errors.too_many_ids(MAX_IDS)
        return await self._store.get_many(ids)


def _existing(account: Account | None) -> Account:
    if account is None or account.profile.state is AccountState.DELETED:
        raise errors.user_not_found()
    return account
