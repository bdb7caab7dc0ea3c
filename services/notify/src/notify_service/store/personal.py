"""What an account leaves in this service's stores, and how it goes.

Deletions carry the time of now: rows of what happened before and is told later stay away too.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from kit.cassandra import Cassandra
from kit.postgres import Postgres

_MARK = "INSERT INTO erased_accounts (user_id) VALUES (?)"
_DEEDS = "SELECT user_id, group_key, day FROM deeds WHERE actor_id = ? LIMIT 200"
_DROP_DEEDS = "DELETE FROM deeds WHERE actor_id = ? AND (user_id, group_key, day) <= (?, ?, ?)"
_DROP_DEEDS_TO = "DELETE FROM deeds WHERE actor_id = ? AND user_id = ?"
_DROP_MEMBER = "DELETE FROM members WHERE user_id = ? AND group_key = ? AND actor_id = ?"
_DROP_GROUP = "DELETE FROM members WHERE user_id = ? AND group_key = ?"
_DROP_POINTER = "DELETE FROM inbox WHERE user_id = ? AND day = ? AND group_key = ?"
_DROP_DAY = "DELETE FROM inbox WHERE user_id = ? AND day = ?"
_FORGET_DAY = "DELETE FROM inbox_days WHERE user_id = ? AND day = ?"
_DROP_MARKER = "DELETE FROM read_markers WHERE user_id = $1"


@dataclass(frozen=True)
class Deed:
    """What somebody did that is in the inbox of `user_id`."""

    user_id: int
    group_key: str
    day: date


class PersonalRows:
    def __init__(self, cassandra: Cassandra, postgres: Postgres) -> None:
        self._cassandra, self._postgres = cassandra, postgres

    async def mark(self, user_id: int) -> None:
        """Nothing is put into an inbox from or for this id any more."""
        await self._execute(_MARK, user_id)

    async def deeds(self, actor_id: int) -> list[Deed]:
        """The first of them."""
        rows = await self._cassandra.execute(_DEEDS, (actor_id,))
        return [Deed(row.user_id, row.group_key, row.day) for row in rows]

    async def drop_deeds(self, actor_id: int, last: Deed) -> None:
        """Up to this one."""
        await self._execute(_DROP_DEEDS, actor_id, last.user_id, last.group_key, last.day)

    async def drop_member(self, deed: Deed, actor_id: int) -> None:
        await self._execute(_DROP_MEMBER, deed.user_id, deed.group_key, actor_id)

    async def drop_pointer(self, deed: Deed) -> None:
        await self._execute(_DROP_POINTER, deed.user_id, deed.day, deed.group_key)

    async def drop_group(self, user_id: int, group_key: str, actor_ids: Sequence[int]) -> None:
        """With the deeds of those who are in it."""
        await asyncio.gather(*(self._execute(_DROP_DEEDS_TO, actor_id, user_id) for actor_id in actor_ids))
        await self._execute(_DROP_GROUP, user_id, group_key)

    async def drop_day(self, user_id: int, day: date) -> None:
        await self._execute(_DROP_DAY, user_id, day)
        await self._execute(_FORGET_DAY, user_id, day)

    async def drop_marker(self, user_id: int) -> int:
        done = await self._postgres.primary.execute(_DROP_MARKER, user_id)
        return int(done.rpartition(" ")[2])

    async def _execute(self, cql: str, *values: object) -> None:
        await self._cassandra.execute(cql, values)
