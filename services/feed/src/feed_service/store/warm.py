"""Warm home timelines in Redis: sorted sets `feed:home:{<id>}` whose members all have the score 0 and sort by
themselves, `<post id>:<author id>`, each 16 hex digits. A member with author 0 says that the timeline is complete down
to that post id; a set without one was cut at the cap.

Who does not read for 30 days goes cold. All of it can be rebuilt from Cassandra.
"""

import secrets
import struct
from binascii import unhexlify
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from kit.errors import Unavailable
from redis.asyncio import Redis

from feed_service.model import Entry, Slice
from feed_service.store.outages import Patience
from feed_service.store.scripts import BEGIN, BUILD, FINISH, HOME, PUSH

KEPT_SECONDS = 30 * 24 * 3600
_BUILD_SECONDS = 10
_entry: Callable[[tuple[int, int]], Entry] = partial(tuple.__new__, Entry)  # half the cost of calling the class


class WarmTimelines:
    """Builds and pushes; store/views.py reads. What readers ask treats an outage as a miss; what the fan-out tells
    raises Unavailable."""

    def __init__(self, redis: Redis, patience: Patience, *, cap: int) -> None:
        self._redis, self._patience, self._cap = redis, patience, cap
        self._push = redis.register_script(PUSH)
        self._begin = redis.register_script(BEGIN)
        self._finish = redis.register_script(FINISH)

    async def begin(self, user_id: int) -> str | None:
        mark = f"!{secrets.token_hex(8)}"
        begun = await self._unless_down(
            lambda: self._begin(keys=[key_of(BUILD, user_id)], args=[mark, _BUILD_SECONDS]), 0
        )
        return mark if begun else None

    async def finish(self, user_id: int, build: str, rows: Slice) -> bool:
        members = [_member(entry.post_id, entry.author_id) for entry in rows.entries]
        if rows.floor is not None:
            members.append(_member(rows.floor, 0))
        keys = [key_of(HOME, user_id), key_of(BUILD, user_id)]
        finish = self._unless_down(lambda: self._finish(keys=keys, args=[build, self._cap, KEPT_SECONDS, *members]), 0)
        return bool(await finish)

    async def push(self, entry: Entry, followers: bytes) -> None:
        member = _member(entry.post_id, entry.author_id)
        async with self._patience.waiting():
            await self._push(args=[member, self._cap, followers.hex()])

    async def drop(self, user_id: int) -> None:
        async with self._patience.waiting():
            await self._redis.delete(key_of(HOME, user_id), key_of(BUILD, user_id))

    async def _unless_down(self, ask: Callable[[], Any], otherwise: Any) -> Any:
        try:
            async with self._patience.waiting():
                return await ask()
        except Unavailable:
            return otherwise


def slice_of(members: Sequence[bytes]) -> Slice:
    """Of a timeline's members, newest first."""
    ids = iter(struct.unpack(f">{2 * len(members)}q", unhexlify(b"".join(members).replace(b":", b""))))
    entries = list(map(_entry, zip(ids, ids, strict=True)))
    if entries and not entries[-1].author_id:
        return Slice(entries[:-1], entries[-1].post_id)
    return Slice(entries)


def key_of(pattern: str, user_id: int) -> str:
    return pattern % f"{user_id:016x}"


def _member(post_id: int, author_id: int) -> str:
    return f"{post_id:016x}:{author_id:016x}"
