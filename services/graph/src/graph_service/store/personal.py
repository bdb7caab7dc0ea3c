"""All that is kept of one account."""

# ruff: noqa: S608 only constants of this service are put into queries

from collections.abc import Mapping, Sequence
from types import MappingProxyType

from kit.postgres import Postgres

from graph_service.model.lists import Edge

# Name, table, the column of the account and that of the other.
EXPORTED: Mapping[str, tuple[str, str, str]] = MappingProxyType(
    {
        "following.json": ("following_by_follower", "follower_id", "followee_id"),
        "followers.json": ("followers_by_followee", "followee_id", "follower_id"),
        "requests_sent.json": ("requests_by_follower", "follower_id", "followee_id"),
        "requests_received.json": ("requests_by_followee", "followee_id", "follower_id"),
        "blocks.json": ("blocks_by_blocker", "blocker_id", "blocked_id"),
        "mutes.json": ("mutes_by_muter", "muter_id", "muted_id"),
        "close_friends.json": ("close_friends_by_owner", "owner_id", "friend_id"),
    }
)
# Whoever is at the other end has to see it go. Who was blocked, or called a close friend, is no business of an export.
_PAIRED = (
    *(ends for name, ends in EXPORTED.items() if name != "mutes.json"),
    ("blocks_by_blocked", "blocked_id", "blocker_id"),
    ("close_friends_by_friend", "friend_id", "owner_id"),
)
_OTHERS = " union ".join(
    f"(select {other} as id from {table} where {own} = $1 limit $2)" for table, own, other in _PAIRED
)
_OWN = (
    "delete from account_counts where user_id = $1",
    "delete from hidden_accounts where user_id = $1",
    "delete from dismissed_suggestions where viewer_id = $1 or dismissed_id = $1",
)


class PersonalRows:
    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def page(self, name: str, user_id: int, after: int, limit: int) -> list[Edge]:
        """By rising id of the other account."""
        table, own, other = EXPORTED[name]
        query = (
            f"select {other} as user_id, id from {table} where {own} = $1 and {other} > $2 order by {other} limit $3"
        )
        rows = await self._postgres.primary.fetch(query, user_id, after, limit)
        return [Edge(row["user_id"], row["id"]) for row in rows]

    async def mark(self, user_id: int) -> None:
        query = "insert into erased_accounts (user_id) values ($1) on conflict do nothing"
        await self._postgres.primary.execute(query, user_id)

    async def others(self, user_id: int, limit: int) -> list[int]:
        """Some of those between whom and the account there is anything but a mute."""
        return [row["id"] for row in await self._postgres.primary.fetch(_OTHERS, user_id, limit)]

    async def unmute(self, user_id: int, limit: int) -> Sequence[tuple[int, int]]:
        """Who muted whom, the account being one of the two. Also mutes that have ended."""
        rows = await self._postgres.primary.fetch(
            """delete from mutes_by_muter where (muter_id, muted_id) in (
                select muter_id, muted_id from mutes_by_muter where muter_id = $1 or muted_id = $1 limit $2
            ) returning muter_id, muted_id""",
            user_id,
            limit,
        )
        return [(row["muter_id"], row["muted_id"]) for row in rows]

    async def forget(self, user_id: int) -> int:
        """What is the account's alone."""
        removed = 0
        for query in _OWN:
            status = await self._postgres.primary.execute(query, user_id)
            removed += int(status.rpartition(" ")[2])
        return removed
