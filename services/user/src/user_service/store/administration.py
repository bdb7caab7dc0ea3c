"""The audit trail, and accounts as operators look for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from kit.postgres import Connection, Postgres, Record

from user_service.model.accounts import AccountState, Profile, Role
from user_service.model.administration import Actor, AdminView, AuditEntry, Entry, Standing
from user_service.model.security import Device
from user_service.model.sessions import MAX_ADDRESS
from user_service.store.accounts import AccountStore

_ADMIN_LOCK = 0x61_646D  # of Postgres' advisory locks
_FACTORS = (
    "exists (select from totp where totp.user_id = accounts.user_id and confirmed_at is not null) "
    "or exists (select from passkeys where passkeys.user_id = accounts.user_id)"
)
_FIND = f"""
select user_id, {_FACTORS} as factor,
    (select count(*) from sessions where sessions.user_id = accounts.user_id and revoked_at is null and expires_at > $1)
        as sessions
from accounts
"""  # noqa: S608 only constants
_SEARCH = f"""{_FIND} where ($2 = '' or username like $2 or lower(email) like $2 or user_id = $3)
    and ($4::smallint is null or state = $4) and ($5::smallint is null or role = $5) and user_id < $6
order by user_id desc limit $7
"""
_AUDIT = """
select entry_id, user_id, actor_id, operator, action, reason, address, details, created_at from audit
where ($1::bigint is null or user_id = $1) and entry_id < $2 order by entry_id desc limit $3
"""


@dataclass(frozen=True)
class Wanted:
    """`start` of a username or an address, in lower case; `user_id` if that may be one; None is any."""

    start: str
    user_id: int
    state: AccountState | None
    role: Role | None


class AdminStore:
    def __init__(self, postgres: Postgres, accounts: AccountStore) -> None:
        self._postgres, self._accounts = postgres, accounts

    async def in_turn(self, conn: Connection) -> None:
        """Acts of administrators follow one another from here to their commit: what each sees of roles stays true. To
        be called with the row of the account that is acted on locked."""
        await conn.execute("select pg_advisory_xact_lock($1)", _ADMIN_LOCK)

    async def other_admins(self, conn: Connection, user_id: int) -> int:
        """Active administrators beside this account."""
        query = "select count(*) from accounts where role = $1 and state = $2 and user_id <> $3"
        return await conn.fetchval(query, Role.ADMIN, AccountState.ACTIVE, user_id)

    async def standing(self, conn: Connection, user_id: int) -> Standing | None:
        query = f"select role, state, {_FACTORS} as factor from accounts where user_id = $1"  # noqa: S608 only constants
        row = await conn.fetchrow(query, user_id)
        return Standing(Role(row["role"]), AccountState(row["state"]), row["factor"]) if row else None

    async def set_role(self, conn: Connection, user_id: int, role: Role) -> None:
        query = (
            "update accounts set role = $2, version = version + 1, changed_at = clock_timestamp() where user_id = $1"
        )
        await conn.execute(query, user_id, role)

    async def append(self, conn: Connection, entry: Entry) -> AuditEntry:
        """In the transaction of what it tells of."""
        row = await conn.fetchrow(
            "insert into audit (user_id, actor_id, operator, action, reason, address, details) "
            "values ($1, $2, $3, $4, $5, $6, $7) returning entry_id, created_at",
            entry.user_id,
            entry.actor.account_id,
            entry.actor.operator,
            str(entry.action),
            entry.reason,
            entry.actor.device.address[:MAX_ADDRESS],
            dict(entry.details),
        )
        assert row is not None  # noqa: S101 it says `returning`
        return AuditEntry(row["entry_id"], entry, row["created_at"])

    async def audit(self, user_id: int | None, *, before: int, limit: int) -> Sequence[AuditEntry]:
        """Newest first, about one account or about all."""
        return [_entry(row) for row in await self._postgres.primary.fetch(_AUDIT, user_id, before, limit)]

    async def search(self, wanted: Wanted, *, before: int, now: datetime, limit: int) -> Sequence[AdminView]:
        """Newest accounts first."""
        start = _like(wanted.start) + "%" if wanted.start else ""
        rows = await self._postgres.primary.fetch(
            _SEARCH, now, start, wanted.user_id, wanted.state, wanted.role, before, limit
        )
        return await self._views(rows)

    async def view(self, user_id: int, now: datetime) -> AdminView | None:
        found = await self._views(await self._postgres.primary.fetch(f"{_FIND} where user_id = $2", now, user_id))
        return found[0] if found else None

    async def scan(self, after: int, limit: int) -> Sequence[Profile]:
        """By rising id, in any state."""
        query = "select user_id from accounts where user_id > $1 order by user_id limit $2"
        ids = [row["user_id"] for row in await self._postgres.primary.fetch(query, after, limit)]
        found = await self._accounts.profiles(ids)
        return [found[user_id] for user_id in ids if user_id in found]

    async def _views(self, rows: Sequence[Record]) -> list[AdminView]:
        accounts = await self._accounts.get_many([row["user_id"] for row in rows])
        known = ((accounts.get(row["user_id"]), row) for row in rows)
        return [AdminView(account, row["factor"], row["sessions"]) for account, row in known if account]


def _entry(row: Record) -> AuditEntry:
    actor = Actor(row["actor_id"], row["operator"], Device(row["address"]))
    entry = Entry(actor, row["action"], row["user_id"], row["reason"], row["details"])
    return AuditEntry(row["entry_id"], entry, row["created_at"])


def _like(text: str) -> str:
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
