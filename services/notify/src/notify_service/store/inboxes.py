"""Inboxes in Cassandra."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from kit.cassandra import Cassandra, Row

from notify_service.model import MAX_MEMBERS, Entry, Member, Pointer, day_of

_MAX_DAYS = 100  # rows live for 90
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)

_PUT_MEMBER = "INSERT INTO members (user_id, group_key, actor_id, event_id) VALUES (?, ?, ?, ?) USING TIMESTAMP ?"
_PUT_POINTER = "INSERT INTO inbox (user_id, day, group_key, event_id) VALUES (?, ?, ?, ?) USING TIMESTAMP ?"
_PUT_DAY = "INSERT INTO inbox_days (user_id, day) VALUES (?, ?) USING TIMESTAMP ?"
_DROP_MEMBER = "DELETE FROM members USING TIMESTAMP ? WHERE user_id = ? AND group_key = ? AND actor_id = ?"
_PUT_DEED = "INSERT INTO deeds (actor_id, user_id, group_key, day) VALUES (?, ?, ?, ?) USING TIMESTAMP ?"
_ERASED = "SELECT user_id FROM erased_accounts WHERE user_id IN (?, ?)"
_DAYS = "SELECT day FROM inbox_days WHERE user_id = ? LIMIT ?"
_DAYS_UP_TO = "SELECT day FROM inbox_days WHERE user_id = ? AND day <= ? LIMIT ?"
_POINTERS = "SELECT event_id, group_key FROM inbox WHERE user_id = ? AND day = ?"
_MEMBERS = "SELECT actor_id, event_id FROM members WHERE user_id = ? AND group_key = ? LIMIT ?"


class InboxStore:
    def __init__(self, cassandra: Cassandra) -> None:
        self._cassandra = cassandra

    async def put(self, entry: Entry) -> None:
        """The pointer goes last: what it leads to is there when it is seen. Repeating changes nothing. Nothing at all
        when either of the two is gone for good."""
        if await self._rows(_ERASED, entry.recipient_id, entry.actor_id):
            return
        at, day, key = _microseconds(entry.at), day_of(entry.event_id), entry.group.key
        member = (entry.recipient_id, key, entry.actor_id, entry.event_id, at)
        await asyncio.gather(
            self._execute(_PUT_MEMBER, *member),
            self._execute(_PUT_DAY, entry.recipient_id, day, at),
            self._execute(_PUT_DEED, entry.actor_id, entry.recipient_id, key, day, at),
        )
        await self._execute(_PUT_POINTER, entry.recipient_id, day, key, entry.event_id, at)

    async def drop(self, recipient_id: int, group_key: str, actor_id: int, at: datetime) -> None:
        """Takes a member out if it was put in before `at`, whichever of the two is heard of first."""
        await self._execute(_DROP_MEMBER, _microseconds(at), recipient_id, group_key, actor_id)

    async def days(self, user_id: int, up_to: date | None) -> list[date]:
        """Newest first."""
        if up_to is None:
            rows = await self._rows(_DAYS, user_id, _MAX_DAYS)
        else:
            rows = await self._rows(_DAYS_UP_TO, user_id, up_to, _MAX_DAYS)
        return [row.day.date() for row in rows]

    async def pointers(self, user_id: int, day: date) -> list[Pointer]:
        """Newest first."""
        rows = await self._rows(_POINTERS, user_id, day)
        found = [Pointer(row.event_id, row.group_key) for row in rows]
        return sorted(found, key=lambda pointer: pointer.place, reverse=True)

    async def members(self, user_id: int, group_keys: Sequence[str]) -> list[list[Member]]:
        """For each key at most MAX_MEMBERS, in no order."""
        answers = await asyncio.gather(*(self._rows(_MEMBERS, user_id, key, MAX_MEMBERS) for key in group_keys))
        return [[Member(row.actor_id, row.event_id) for row in rows] for rows in answers]

    async def _execute(self, cql: str, *params: object) -> None:
        await self._cassandra.execute(cql, params)

    async def _rows(self, cql: str, *params: object) -> list[Row]:
        return await self._cassandra.execute(cql, params)


def _microseconds(moment: datetime) -> int:
    return (moment - _EPOCH) // _MICROSECOND
