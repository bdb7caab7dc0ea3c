"""Queries of e-mail addresses: whose they are.

An address belongs to one account. Until somebody proves that it is theirs, it belongs to whoever named it first;
another account that names it exists all the same, and owns nothing.
"""

from dataclasses import dataclass

from kit.postgres import Connection, Postgres

from user_service.model import names

# One statement whether the address was free or not: who asks must not be able to tell by the time.
_CLAIM = """
with claimed as (
    insert into emails (email_key, user_id) values ($1, $2) on conflict do nothing returning user_id
)
insert into unclaimed_emails (email_key, user_id) select $1, $2 where not exists (select from claimed)
on conflict (email_key) do update set user_id = excluded.user_id
"""
_PROVE = """
insert into emails (email_key, user_id, verified) values ($1, $2, true)
on conflict (email_key) do update set user_id = excluded.user_id, verified = true
where emails.user_id = excluded.user_id or not emails.verified
"""


@dataclass(frozen=True)
class Holder:
    """Whose an address is, and whether they have proved it; `unclaimed_by` is the other account that named it last.
    Ids are 0 where there is none."""

    user_id: int = 0
    verified: bool = False
    unclaimed_by: int = 0


class EmailStore:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def claim(self, conn: Connection, user_id: int, email: str) -> None:
        """For an account that is being made; the address is its own if it was nobody's."""
        await conn.execute(_CLAIM, names.email_key(email), user_id)

    async def prove(self, conn: Connection, user_id: int, email: str) -> bool:
        """The account's owner reads this address. False when somebody else has proved that before. The account's row is
        locked."""
        key = names.email_key(email)
        before = await conn.fetchval("select user_id from emails where email_key = $1 for update", key)
        if await conn.execute(_PROVE, key, user_id) != "INSERT 0 1":
            return False
        await conn.execute("delete from unclaimed_emails where email_key = $1 and user_id = $2", key, user_id)
        if before not in (None, user_id):
            await conn.execute(
                "insert into unclaimed_emails (email_key, user_id) values ($1, $2) "
                "on conflict (email_key) do update set user_id = excluded.user_id",
                key,
                before,
            )
        await conn.execute("update accounts set email = $2, email_verified = true where user_id = $1", user_id, email)
        return True

    async def release(self, conn: Connection, user_id: int, email: str) -> None:
        """The account has another address now."""
        key = names.email_key(email)
        await conn.execute("delete from emails where email_key = $1 and user_id = $2", key, user_id)
        await conn.execute("delete from unclaimed_emails where email_key = $1 and user_id = $2", key, user_id)

    async def holder(self, email: str) -> Holder:
        row = await self._postgres.primary.fetchrow(
            "select held.user_id, held.verified, other.user_id as unclaimed_by "
            "from (select $1::text as email_key) as asked "
            "left join emails as held using (email_key) left join unclaimed_emails as other using (email_key)",
            names.email_key(email),
        )
        return Holder(row["user_id"] or 0, bool(row["verified"]), row["unclaimed_by"] or 0) if row else Holder()
