"""Rows of every table of this service by the account that they tell of.

Tables are discovered, so that a new one is erased without a word here; what its owner is shown of it is said here, for
tables hold secrets too. A test holds this against the schema.
"""

# ruff: noqa: S608 names of tables come from the schema, those of columns from here

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from kit.postgres import Connection, Postgres

Rows = Sequence[Mapping[str, Any]]

# Table, and the columns that its owner gets.
EXPORTED: Mapping[str, str] = MappingProxyType(
    {
        "accounts": "user_id, username, email, email_verified, name, bio, website, location, pronouns, "
        "private_account, unlisted, comments_from, mentions_from, role, created_at, changed_at",
        "former_usernames": "username, changed_at",
        "settings": "messages_from, notifications, changed_at",
        "sessions": "session_id, app_id, scopes, user_agent, device_name, address, created_at, last_used_at, "
        "expires_at, revoked_at",
        "known_devices": "created_at, last_used_at",
        "security_events": "event_id, kind, address, user_agent, session_id, details, created_at",
        "passkeys": "passkey_id, name, transports, created_at, last_used_at",
        "exports": "export_id, requested_at, ready_at",
    }
)
# Why an export leaves a table out.
_SECRET, _PASSING, _TWICE = "nothing but secrets", "gone within hours", "said by another table"
NOT_EXPORTED: Mapping[str, str] = MappingProxyType(
    {
        "credentials": _SECRET,
        "totp": _SECRET,
        "recovery_codes": _SECRET,
        "passkey_handles": _SECRET,
        "passkey_ids": _TWICE,
        "passkey_challenges": _PASSING,
        "login_challenges": _PASSING,
        "letter_tokens": _PASSING,
        "letter_requests": _PASSING,
        "mail_queue": _PASSING,
        "authorization_codes": _PASSING,
        "browser_logins": _TWICE,
        "usernames": _TWICE,
        "username_looks": _TWICE,
        "emails": _TWICE,
        "unclaimed_emails": _TWICE,
        "avatar_places": _TWICE,
        "revocations": _TWICE,
        "erasures": "of an account that is going",
        "audit": "what operators note for themselves",
        "apps": "has no user_id: exported as apps.json",
        "outbox": _PASSING,
        "alembic_version": "of nobody",
    }
)
# What an erasure leaves, and why.
KEPT: Mapping[str, str] = MappingProxyType(
    {
        "audit": "who did what to whom, for good: ids and reasons, no profile",
        "erasures": "that the account was erased, and when",
        "revocations": "refuses the account's last tokens, without naming it, until they have expired",
    }
)
_TABLES = """
select c.table_name from information_schema.columns c join information_schema.tables t using (table_schema, table_name)
where c.table_schema = current_schema() and t.table_type = 'BASE TABLE' and c.column_name = 'user_id'
order by c.table_name
"""


class PersonalStore:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def export(self, table: str, user_id: int) -> Rows:
        columns = EXPORTED[table]
        rows = await self._postgres.primary.fetch(f"select {columns} from {table} where user_id = $1", user_id)
        return [dict(row) for row in rows]

    async def apps(self, user_id: int) -> Rows:
        """That the account has registered."""
        query = "select app_id, name, website, redirect_uris, scopes, created_at from apps where owner_id = $1"
        return [dict(row) for row in await self._postgres.primary.fetch(query, user_id)]

    async def erase(self, conn: Connection, user_id: int, email: str) -> int:
        """Every row of every table with a user_id, and what strangers have asked in the name of its address. The
        account's row is locked. Answers how many rows went."""
        tables = [row["table_name"] for row in await conn.fetch(_TABLES) if row["table_name"] not in KEPT]
        statuses = [await conn.execute(f'delete from "{table}" where user_id = $1', user_id) for table in tables]
        statuses.append(await conn.execute("delete from letter_requests where lower(email) = lower($1)", email))
        await conn.execute("update revocations set user_id = 0 where user_id = $1", user_id)
        return sum(int(status.rpartition(" ")[2]) for status in statuses)
