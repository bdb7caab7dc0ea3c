"""Use cases of accounts and profiles."""

from collections.abc import Callable, Mapping, Sequence

from kit.outbox import Event, Outbox

from user_service.model import errors, names
from user_service.model.accounts import (
    Account,
    AccountRegistered,
    AccountState,
    Change,
    Profile,
    Registration,
    changes,
    edited,
    registration,
)
from user_service.service.passwords import Passwords
from user_service.store.accounts import AccountStore
from user_service.store.profiles import ProfileCache

MAX_IDS, MAX_USERNAMES = 200, 100


class Accounts:
    """`event_of` puts a change into the words that other services know."""

    def __init__(
        self,
        store: AccountStore,
        cache: ProfileCache,
        outbox: Outbox,
        passwords: Passwords,
        event_of: Callable[[Change], Event],
    ) -> None:
        self._store, self._cache, self._outbox = store, cache, outbox
        self._passwords, self._event_of = passwords, event_of

    async def register(self, *, username: str, email: str, password: str, name: str, request_id: str) -> Account:
        """Makes an account, or answers the one that this request made before. Raises InvalidArgument INVALID_FIELD,
        AlreadyExists USERNAME_TAKEN or EMAIL_TAKEN."""
        wanted = registration(username=username, email=email, password=password, name=name, request_id=request_id)
        password_hash = await self._passwords.hash(wanted.password)
        account = await self._make(wanted, password_hash)
        await self._cache.put(account.profile)
        return account

    async def get(self, user_id: int) -> Account:
        """Raises NotFound USER_NOT_FOUND."""
        return _existing(await self._store.get(user_id))

    async def edit(self, user_id: int, values: Mapping[str, str | bool | None], *, etag: str) -> Account:
        """Changes these fields; an empty etag fits any version. Raises NotFound USER_NOT_FOUND, Aborted ETAG_MISMATCH,
        InvalidArgument INVALID_FIELD."""
        async with self._outbox.transaction() as transaction:
            before = _existing(await self._store.lock(transaction.conn, user_id))
            if etag and etag != before.etag:
                raise errors.etag_mismatch()
            after = before.with_profile(edited(before.profile, values))
            if told := changes(before.profile, after.profile):
                await self._store.update(transaction.conn, after.profile)
                await transaction.emit(*map(self._event_of, told))
        await self._cache.put(after.profile)
        return after

    async def profiles(self, ids: Sequence[int]) -> list[Profile]:
        """In the order of the ids, unknown ones left out. Raises InvalidArgument TOO_MANY_IDS."""
        if len(ids) > MAX_IDS:
            raise errors.too_many_ids(MAX_IDS)
        found = await self._cache.get_many(list(dict.fromkeys(ids)), self._store.profiles)
        return list(found.values())

    async def profile_by_username(self, username: str) -> Profile:
        """Raises NotFound USER_NOT_FOUND, also for an account that is suspended or deleted."""
        found = await self._active([username])
        if not found:
            raise errors.user_not_found()
        return found[0]

    async def resolve(self, usernames: Sequence[str]) -> dict[str, int]:
        """Ids of active accounts by their usernames. Raises InvalidArgument TOO_MANY_IDS."""
        if len(usernames) > MAX_USERNAMES:
            raise errors.too_many_ids(MAX_USERNAMES)
        return {profile.username: profile.id for profile in await self._active(usernames)}

    async def refresh_cache(self, profile: Profile) -> None:
        """For a change that is heard of: the call that made it may have died, or Redis have been away, before the cache
        had it."""
        await self._cache.put_surely(profile)

    async def _make(self, wanted: Registration, password_hash: str) -> Account:
        async with self._outbox.transaction() as transaction:
            conn = transaction.conn
            user_id = await self._store.new_id(conn)
            # Usernames always come first, so that two registrations never wait for each other.
            got_username = await self._store.claim_username(conn, user_id, wanted.username, wanted.request_id)
            got_email = await self._store.claim_email(conn, user_id, wanted.email)
            if got_username and got_email:
                await self._store.insert(conn, user_id, wanted, password_hash)
                account = _existing(await self._store.lock(conn, user_id))
                await transaction.emit(self._event_of(AccountRegistered(account.profile)))
                return account
            made_before = None if got_username else await self._store.made_by(conn, wanted)
            if made_before is None:
                raise errors.taken(username=not got_username, email=not got_email)
            return made_before

    async def _active(self, usernames: Sequence[str]) -> list[Profile]:
        folded = {name for name in map(names.fold_username, usernames) if names.is_username(name)}
        ids = await self._store.ids_of(sorted(folded))
        found = await self._cache.get_many(list(ids.values()), self._store.profiles)
        return [profile for profile in found.values() if profile.active]


def _existing(account: Account | None) -> Account:
    if account is None or account.profile.state is AccountState.DELETED:
        raise errors.user_not_found()
    return account
