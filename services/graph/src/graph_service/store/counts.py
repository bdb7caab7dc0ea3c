"""How many follow an account and how many it follows: counted in Redis, flushed here, reconciled with the edges."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from kit import log
from kit.counters import Counters
from kit.postgres import Postgres
from redis.asyncio import Redis
from redis.exceptions import RedisError

from graph_service.model import lists
from graph_service.model.relations import Change, counted

FIELDS = ("followers", "following")

_LOAD = "select user_id as id, followers, following from account_counts where user_id = any($1)"
_SAVE = """
insert into account_counts (user_id, followers, following)
select * from unnest($1::bigint[], $2::bigint[], $3::bigint[]) as new (user_id, followers, following)
where not exists (select from erased_accounts where erased_accounts.user_id = new.user_id)
on conflict (user_id) do update set followers = excluded.followers, following = excluded.following
"""
_COUNT = """
select wanted.id,
    (select count(*) from followers_by_followee where followee_id = wanted.id) as followers,
    (select count(*) from following_by_follower where follower_id = wanted.id) as following
from unnest($1::bigint[]) as wanted (id)
"""

logger = log.get(__name__)


class CountRows:
    """What is flushed, and the truth that it is reconciled with."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def load(self, ids: Sequence[int]) -> dict[int, dict[str, int]]:
        return await self._read(_LOAD, ids)

    async def save(self, counts: Mapping[int, Mapping[str, int]]) -> None:
        rows = sorted(counts.items())
        columns = [[numbers.get(field, 0) for _, numbers in rows] for field in FIELDS]
        await self._postgres.primary.execute(_SAVE, [user_id for user_id, _ in rows], *columns)

    async def count(self, ids: Sequence[int]) -> dict[int, dict[str, int]]:
        return await self._read(_COUNT, ids)

    async def _read(self, query: str, ids: Sequence[int]) -> dict[int, dict[str, int]]:
        rows = await self._postgres.primary.fetch(query, ids)
        return {row["id"]: {field: row[field] for field in FIELDS} for row in rows}


class Counts:
    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    async def get(self, ids: Sequence[int]) -> dict[int, lists.Counts]:
        """One for each of the ids."""
        found = await self._counters.get(ids)
        return {user_id: lists.Counts(user_id, **numbers) for user_id, numbers in found.items()}

    async def apply(self, change: Change, *, gone: Collection[int] = ()) -> None:
        """Counts a change once, however often it is told, but not for accounts that are gone. Raises RedisError."""
        parts = [part for part in counted(change.step) if part[0] not in gone]
        await asyncio.gather(
            *(self._counters.apply(user_id, field, by, str(change.id)) for user_id, field, by in parts)
        )

    async def recheck(self, ids: Sequence[int]) -> None:
        """Has them compared with the edges. Raises RedisError."""
        await self._counters.recheck(ids)

    async def drop(self, user_id: int) -> None:
        """Raises RedisError."""
        await self._counters.drop(user_id)

    async def try_apply(self, change: Change, *, gone: Collection[int] = ()) -> None:
        """So that the one who made the change sees it counted; if this fails, its event counts it."""
        try:
            await self.apply(change, gone=gone)
        except RedisError as error:
            logger.warning("not counted yet", change_id=change.id, error=repr(error))


def counters_of(redis: Redis, rows: CountRows) -> Counters:
    return Counters(redis, "graph:counts", FIELDS, rows.load, rows.save, rows.count)
