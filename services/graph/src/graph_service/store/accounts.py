"""Which accounts are not active, as the user service has told; and the moment, as ids count it."""

from kit.postgres import Postgres

_SET = """
insert into hidden_accounts (user_id, hidden, version)
select $1, $2, $3 where not exists (select from erased_accounts where user_id = $1)
on conflict (user_id) do update set hidden = excluded.hidden, version = excluded.version
where hidden_accounts.version < excluded.version
"""


class Accounts:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def set_hidden(self, user_id: int, *, hidden: bool, version: int) -> None:
        """Older news than the last, by the account's version, change nothing."""
        await self._postgres.primary.execute(_SET, user_id, hidden, version)

    async def moment(self) -> int:
        """An id above all that were made before the call, and below all that will be made after it."""
        return await self._postgres.primary.fetchval("select next_id()")
