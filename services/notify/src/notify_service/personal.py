"""What this service keeps about an account: its inbox, and its deeds in the inboxes of others."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from functools import partial
from typing import Any

from heliograph.events.v1.user_events_pb2 import AccountErased
from kit import personal
from kit.cassandra import Cassandra
from kit.consumer import Delivery
from kit.ids import time_of
from kit.personal import Found, Piece
from kit.postgres import Postgres

from notify_service.model import Group, Kind, Pointer, group_of
from notify_service.store import InboxStore

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


class PersonalData:
    """Deletions carry the time of now: rows of what happened before and is told later stay away too."""

    def __init__(self, cassandra: Cassandra, postgres: Postgres, inboxes: InboxStore) -> None:
        self._cassandra, self._postgres, self._inboxes = cassandra, postgres, inboxes

    async def export(self, user_id: int, token: str) -> tuple[list[Piece], str]:
        """The inbox, newest day first. Raises InvalidArgument BAD_PAGE_TOKEN."""
        return await personal.export({"notifications.json": partial(self._inbox, user_id)}, token)

    async def erase(self, user_id: int) -> tuple[bool, int]:
        await self._execute(_MARK, user_id)
        steps: list[Callable[[int], Awaitable[int]]] = [self._drop_inbox, self._drop_deeds, self._drop_marker]
        return await personal.erase([partial(step, user_id) for step in steps])

    async def _inbox(self, user_id: int, position: str) -> Found:
        """A day that has anything; `position` is the newest that may come."""
        days = await self._inboxes.days(user_id, date.fromisoformat(position) if position else None)
        for place, day in enumerate(days):
            if pointers := await self._inboxes.pointers(user_id, day):
                rows = [await self._shown(user_id, pointer) for pointer in pointers]
                return Found(rows, str(days[place + 1]) if place + 1 < len(days) else "")
        return Found()

    async def _shown(self, user_id: int, pointer: Pointer) -> Mapping[str, Any]:
        group: Group = group_of(pointer.group_key)
        (members,) = await self._inboxes.members(user_id, [pointer.group_key])
        return {
            "id": pointer.event_id,
            "kind": group.kind.name.lower(),
            "post_id": group.post_id or None,
            "comment_id": group.comment_id or None,
            "actor_ids": [str(member.actor_id) for member in members],
            "created_at": time_of(pointer.event_id),
        }

    async def _drop_inbox(self, user_id: int) -> int:
        """The oldest news of a day go last, so that a day that is begun is found again."""
        days = await self._inboxes.days(user_id, None)
        for day in days:
            pointers = await self._inboxes.pointers(user_id, day)
            await asyncio.gather(*(self._drop_group(user_id, pointer.group_key) for pointer in pointers))
            await self._execute(_DROP_DAY, user_id, day)
            await self._execute(_FORGET_DAY, user_id, day)
        return len(days)

    async def _drop_group(self, user_id: int, group_key: str) -> None:
        (members,) = await self._inboxes.members(user_id, [group_key])
        await asyncio.gather(*(self._execute(_DROP_DEEDS_TO, member.actor_id, user_id) for member in members))
        await self._execute(_DROP_GROUP, user_id, group_key)

    async def _drop_deeds(self, user_id: int) -> int:
        """Where the account was the only one who could act, what led to it goes too."""
        rows = await self._cassandra.execute(_DEEDS, (user_id,))
        await asyncio.gather(*(self._drop_deed(user_id, row.user_id, row.group_key, row.day) for row in rows))
        if rows:
            await self._execute(_DROP_DEEDS, user_id, rows[-1].user_id, rows[-1].group_key, rows[-1].day)
        return len(rows)

    async def _drop_deed(self, actor_id: int, user_id: int, group_key: str, day: Any) -> None:
        await self._execute(_DROP_MEMBER, user_id, group_key, actor_id)
        if group_of(group_key).kind is not Kind.LIKE:
            await self._execute(_DROP_POINTER, user_id, day, group_key)

    async def _drop_marker(self, user_id: int) -> int:
        done = await self._postgres.primary.execute(_DROP_MARKER, user_id)
        return int(done.rpartition(" ")[2])

    async def _execute(self, cql: str, *values: object) -> None:
        await self._cassandra.execute(cql, values)


def user_handlers(data: PersonalData) -> Mapping[str, Callable[[Any, Delivery], Awaitable[None]]]:
    """Once more when the account is gone: what was under way when it was erased has come to its end."""

    async def erased(event: AccountErased, _: Delivery) -> None:
        while not (await data.erase(event.user_id))[0]:
            pass

    return {"account_erased": erased}
