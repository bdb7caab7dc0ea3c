"""Queries of accounts, their credentials and their reserved names."""

from collections.abc import Mapping, Sequence

from kit.postgres import Connection, Postgres, Record

from user_service.model import names
from user_service.model.accounts import Account, AccountState, AllowedBy, Profile, Registration, Role

_SELECT = (
    "select user_id, username, name, bio, website, location, pronouns, avatar_key, private_account, state, created_at, "
    "version, comments_from, mentions_from, unlisted, email, email_verified, role, delete_after, session_epoch "
    "from accounts"
)
_GET = f"{_SELECT} where user_id = $1"
_LOCK = f"{_GET} for update"
_HOLD = f"{_GET} for share"
_PROFILES = f"{_SELECT} where user_id = any($1::bigint[])"


class AccountStore:
    """What takes a connection runs in its transaction; the rest reads the primary: others decide by these rows who may
    see what."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def new_id(self, conn: Connection) -> int:
        return await conn.fetchval("select next_id()")

    async def insert(self, conn: Connection, user_id: int, wanted: Registration, password_hash: str) -> None:
        await conn.execute(
            "insert into accounts (user_id, username, email, name) values ($1, $2, $3, $4)",
            user_id,
            wanted.username,
            wanted.email,
            wanted.name,
        )
        await conn.execute("insert into credentials (user_id, password_hash) values ($1, $2)", user_id, password_hash)

    async def made_by(self, conn: Connection, wanted: Registration) -> Account | None:
        """The account that this very registration made before."""
        user_id = await conn.fetchval(
            "select user_id from usernames where username = $1 and request_id = $2 and request_id <> ''",
            wanted.username,
            wanted.request_id,
        )
        found = await self.lock(conn, user_id) if user_id else None
        same = found and names.email_key(found.email) == names.email_key(wanted.email)
        return found if same else None

    async def lock(self, conn: Connection, user_id: int) -> Account | None:
        """Until the end of the transaction: whoever changes an account, and whoever tells others of it, holds it."""
        row = await conn.fetchrow(_LOCK, user_id)
        return _account(row) if row else None

    async def hold(self, conn: Connection, user_id: int) -> Account | None:
        """Nobody changes it until the end of the transaction, but others may hold it too."""
        row = await conn.fetchrow(_HOLD, user_id)
        return _account(row) if row else None

    async def update(self, conn: Connection, profile: Profile) -> None:
        """Writes what a change of the profile can change. The row is locked."""
        await conn.execute(
            "update accounts set name = $2, bio = $3, website = $4, location = $5, pronouns = $6, "
            "private_account = $7, version = $8, comments_from = $9, mentions_from = $10, unlisted = $11, "
            "avatar_key = $12, changed_at = clock_timestamp() where user_id = $1",
            profile.id,
            profile.name,
            profile.bio,
            profile.website,
            profile.location,
            profile.pronouns,
            profile.private_account,
            profile.version,
            profile.comments_from.value,
            profile.mentions_from.value,
            profile.unlisted,
            profile.avatar_key,
        )

    async def rename(self, conn: Connection, profile: Profile) -> None:
        """Writes another username, which is claimed already. The row is locked."""
        await conn.execute(
            "update accounts set username = $2, version = $3, changed_at = clock_timestamp() where user_id = $1",
            profile.id,
            profile.username,
            profile.version,
        )

    async def set_state(self, conn: Connection, account: Account) -> None:
        """Writes the state and when the account is to be erased. The row is locked."""
        await conn.execute(
            "update accounts set state = $2, delete_after = $3, version = $4, changed_at = clock_timestamp() "
            "where user_id = $1",
            account.profile.id,
            account.profile.state.value,
            account.delete_after,
            account.profile.version,
        )

    async def get(self, user_id: int) -> Account | None:
        row = await self._postgres.primary.fetchrow(_GET, user_id)
        return _account(row) if row else None

    async def get_many(self, ids: Sequence[int]) -> dict[int, Account]:
        rows = await self._postgres.primary.fetch(_PROFILES, list(ids))
        return {row["user_id"]: _account(row) for row in rows}

    async def profiles(self, ids: Sequence[int]) -> dict[int, Profile]:
        rows = await self._postgres.primary.fetch(_PROFILES, list(ids))
        return {row["user_id"]: _profile(row) for row in rows}

    async def ids_of(self, usernames: Sequence[str]) -> Mapping[str, int]:
        """Of folded usernames, former ones that are still held among them; those that nobody has are left out."""
        query = (
            "select username, user_id from usernames where username = any($1::text[]) "
            "and (held_until is null or held_until > clock_timestamp())"
        )
        rows = await self._postgres.primary.fetch(query, list(usernames))
        return {row["username"]: row["user_id"] for row in rows}

    async def ids_of_email(self, email_key: str) -> Sequence[int]:
        """Two: whose the address is, and who else named it last; 0 where there is nobody."""
        query = (
            "select (select user_id from emails where email_key = $1), "
            "(select user_id from unclaimed_emails where email_key = $1)"
        )
        row = await self._postgres.primary.fetchrow(query, email_key)
        return [found or 0 for found in row.values()] if row else [0, 0]

    async def rehash(self, user_id: int, old: str, new: str) -> None:
        """The same password under another cost. Nothing when it has been changed meanwhile."""
        query = "update credentials set password_hash = $3 where user_id = $1 and password_hash = $2"
        await self._postgres.primary.execute(query, user_id, old, new)

    async def password_hash(self, user_id: int) -> str | None:
        query = "select password_hash from credentials where user_id = $1"
        return await self._postgres.primary.fetchval(query, user_id)


def _account(row: Record) -> Account:
    return Account(
        _profile(row), row["email"], row["email_verified"], Role(row["role"]), row["delete_after"], row["session_epoch"]
    )


def _profile(row: Record) -> Profile:
    return Profile(
        id=row["user_id"],
        username=row["username"],
        name=row["name"],
        bio=row["bio"],
        website=row["website"],
        location=row["location"],
        pronouns=row["pronouns"],
        avatar_key=row["avatar_key"],
        private_account=row["private_account"],
        state=AccountState(row["state"]),
        created_at=row["created_at"],
        version=row["version"],
        comments_from=AllowedBy(row["comments_from"]),
        mentions_from=AllowedBy(row["mentions_from"]),
        unlisted=row["unlisted"],
    )
