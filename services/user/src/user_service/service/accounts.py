"""Use cases of accounts and profiles."""

from collections.abc import Callable, Mapping, Sequence

from kit.outbox import Event, Outbox

from user_service.model import account_errors, errors, names
from user_service.model.accounts import (
    Account,
    AccountRegistered,
    AccountState,
    Change,
    Profile,
    Registration,
    edited,
    registration,
)
from user_service.model.letters import LetterRequest, Purpose
from user_service.model.limits import Action
from user_service.model.security import Device
from user_service.service.limits import Limits
from user_service.service.password_rules import PasswordRules
from user_service.service.passwords import Passwords
from user_service.service.profile_changes import ProfileChanges
from user_service.store.accounts import AccountStore
from user_service.store.emails import EmailStore
from user_service.store.letter_requests import LetterRequests
from user_service.store.profiles import ProfileCache
from user_service.store.usernames import UsernameStore

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
        *,
        rules: PasswordRules,
        usernames: UsernameStore,
        emails: EmailStore,
        letters: LetterRequests,
        limits: Limits,
    ) -> None:
        self._store, self._cache, self._outbox = store, cache, outbox
        self._passwords, self._event_of, self._rules = passwords, event_of, rules
        self._usernames, self._emails, self._letters, self._limits = usernames, emails, letters, limits
        self._changes = ProfileChanges(store, event_of)

    async def register(
        self, *, username: str, email: str, password: str, name: str, request_id: str, device: Device
    ) -> Account:
        """Makes an account, or answers the one that this request made before. An address that belongs to somebody else
        makes no difference here: only its letters tell. Raises InvalidArgument INVALID_FIELD, AlreadyExists
        USERNAME_TAKEN, ResourceExhausted TOO_MANY_ATTEMPTS."""
        weakness = await self._rules.fault(names.fold_password(password), (username, email, name))
        wanted = registration(
            username=username, email=email, password=password, name=name, request_id=request_id, weakness=weakness
        )
        await self._limits.count(Action.REGISTER, "", device)
        password_hash = await self._passwords.hash(wanted.password)
        account = await self._make(wanted, password_hash, device)
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
            after = await self._changes.save(transaction, before, edited(before.profile, values))
        await self._cache.put(after.profile)
        return after

    async def profiles(self, ids: Sequence[int]) -> list[bytes]:
        """In the order of the ids, unknown ones left out; encoded, as the cache holds them and as they are sent. Raises
        InvalidArgument TOO_MANY_IDS."""
        if len(ids) > MAX_IDS:
            raise errors.too_many_ids(MAX_IDS)
        return list((await self._cache.encoded(list(dict.fromkeys(ids)), self._store.profiles)).values())

    async def profile_by_username(self, username: str) -> tuple[Profile, bool]:
        """And whether it has another name now. Raises NotFound USER_NOT_FOUND, also for an account that is suspended or
        deleted."""
        found = await self._active([username])
        if not found:
            raise errors.user_not_found()
        ((asked, profile),) = found.items()
        return profile, profile.username != asked

    async def resolve(self, usernames: Sequence[str]) -> dict[str, int]:
        """Ids of active accounts by their usernames, also by former ones for a while. Raises InvalidArgument
        TOO_MANY_IDS."""
        if len(usernames) > MAX_USERNAMES:
            raise errors.too_many_ids(MAX_USERNAMES)
        return {username: profile.id for username, profile in (await self._active(usernames)).items()}

    async def refresh_cache(self, profile: Profile) -> None:
        """For a change that is heard of: the call that made it may have died, or Redis have been away, before the cache
        had it. An account that is gone for good stays out of it."""
        if await self._store.get(profile.id) is None:
            await self._cache.drop(profile.id)
        else:
            await self._cache.put_surely(profile)

    async def _make(self, wanted: Registration, password_hash: str, device: Device) -> Account:
        async with self._outbox.transaction() as transaction:
            conn = transaction.conn
            user_id = await self._store.new_id(conn)
            # Usernames always come first, so that two registrations never wait for each other.
            if not await self._usernames.claim(conn, user_id, wanted.username, wanted.request_id):
                if made_before := await self._store.made_by(conn, wanted):
                    return made_before
                raise account_errors.username_taken()
            if not await self._usernames.claim_look(conn, user_id, wanted.username):
                raise account_errors.username_like_another()
            await self._emails.claim(conn, user_id, wanted.email)
            await self._store.insert(conn, user_id, wanted, password_hash)
            account = _existing(await self._store.lock(conn, user_id))
            await self._letters.put(conn, LetterRequest(Purpose.VERIFY_EMAIL, wanted.email, device, user_id))
            await transaction.emit(self._event_of(AccountRegistered(account.profile)))
            return account

    async def _active(self, usernames: Sequence[str]) -> dict[str, Profile]:
        """By the folded usernames that were asked for."""
        folded = {name for name in map(names.fold_username, usernames) if names.is_username(name)}
        ids = await self._store.ids_of(sorted(folded))
        found = await self._cache.get_many(list(dict.fromkeys(ids.values())), self._store.profiles)
        known = {username: found[user_id] for username, user_id in ids.items() if user_id in found}
        return {username: profile for username, profile in known.items() if profile.active}


def _existing(account: Account | None) -> Account:
    if account is None or account.profile.state is AccountState.DELETED:
        raise errors.user_not_found()
    return account
