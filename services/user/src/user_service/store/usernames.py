"""Queries of usernames: whose they are, were, and still are for a while."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from kit.postgres import Connection

from user_service.model import lookalikes

# What nobody holds any more is free. An account may take back what is still held for it.
_CLAIM = """
insert into usernames (username, user_id, request_id) values ($1, $2, $3)
on conflict (username) do update
set user_id = excluded.user_id, request_id = excluded.request_id, held_until = null, created_at = clock_timestamp()
where usernames.held_until <= clock_timestamp()
    or (usernames.held_until is not null and usernames.user_id = excluded.user_id)
"""
_CLAIM_LOOK = """
insert into username_looks (look, user_id) values ($1, $2)
on conflict (look) do update set user_id = excluded.user_id, held_until = null
where username_looks.held_until <= clock_timestamp() or username_looks.user_id = excluded.user_id
"""


class UsernameStore:
    """All of it in the caller's transaction."""

    async def claim(self, conn: Connection, user_id: int, username: str, request_id: str = "") -> bool:
        """False when it is somebody's. Waits for another transaction that is about to claim it."""
        return await conn.execute(_CLAIM, username, user_id, request_id) == "INSERT 0 1"

    async def claim_look(self, conn: Connection, user_id: int, username: str) -> bool:
        """False when somebody else has a name that looks like it. The username is claimed already."""
        return await conn.execute(_CLAIM_LOOK, lookalikes.look(username), user_id) == "INSERT 0 1"

    async def leave(
        self, conn: Connection, user_id: int, old: str, new: str, *, now: datetime, hold: timedelta
    ) -> None:
        """The account has another name from now on; the old one is held for it. The account's row is locked."""
        await conn.execute(
            "update usernames set held_until = clock_timestamp() + $3 where username = $1 and user_id = $2",
            old,
            user_id,
            hold,
        )
        if lookalikes.look(old) != lookalikes.look(new):
            await conn.execute(
                "update username_looks set held_until = clock_timestamp() + $3 where look = $1 and user_id = $2",
                lookalikes.look(old),
                user_id,
                hold,
            )
        await conn.execute(
            "insert into former_usernames (user_id, username, changed_at) values ($1, $2, $3)", user_id, old, now
        )

    async def changes_since(self, conn: Connection, user_id: int, since: datetime) -> Sequence[datetime]:
        """When the account changed its name, oldest first."""
        query = "select changed_at from former_usernames where user_id = $1 and changed_at > $2 order by changed_at"
        return [row["changed_at"] for row in await conn.fetch(query, user_id, since)]
