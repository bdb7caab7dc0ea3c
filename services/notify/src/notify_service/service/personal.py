"""What this service keeps about an account: its inbox, and its deeds in the inboxes of others."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import date
from functools import partial
from typing import Any

from kit import personal
from kit.ids import time_of
from kit.personal import Found, Piece

from notify_service.model import Group, Kind, Pointer, group_of
from notify_service.store.inboxes import InboxStore
from notify_service.store.personal import Deed, PersonalRows


class PersonalData:
    def __init__(self, rows: PersonalRows, inboxes: InboxStore) -> None:
        self._rows, self._inboxes = rows, inboxes

    async def export(self, user_id: int, token: str) -> tuple[list[Piece], str]:
        """The inbox, newest day first. Raises InvalidArgument BAD_PAGE_TOKEN."""
        return await personal.export({"notifications.json": partial(self._inbox, user_id)}, token)

    async def erase(self, user_id: int) -> tuple[bool, int]:
        await self._rows.mark(user_id)
        steps: list[Callable[[int], Awaitable[int]]] = [self._drop_inbox, self._drop_deeds, self._rows.drop_marker]
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
            await self._rows.drop_day(user_id, day)
        return len(days)

    async def _drop_group(self, user_id: int, group_key: str) -> None:
        (members,) = await self._inboxes.members(user_id, [group_key])
        await self._rows.drop_group(user_id, group_key, [member.actor_id for member in members])

    async def _drop_deeds(self, user_id: int) -> int:
        deeds = await self._rows.deeds(user_id)
        await asyncio.gather(*(self._drop_deed(user_id, deed) for deed in deeds))
        if deeds:
            await self._rows.drop_deeds(user_id, deeds[-1])
        return len(deeds)

    async def _drop_deed(self, actor_id: int, deed: Deed) -> None:
        """Where the account was the only one who could act, what led to it goes too."""
        await self._rows.drop_member(deed, actor_id)
        if group_of(deed.group_key).kind is not Kind.LIKE:
            await self._rows.drop_pointer(deed)
