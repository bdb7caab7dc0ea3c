"""All relations of an account in one query a page, from the primary: who may see what is decided by them."""

from collections.abc import Callable
from datetime import datetime

from kit.postgres import Postgres

from graph_service.model.packed import PackedRelations

# Each part is a range of a primary key, at most $3 accounts long. A page ends with the $3-th account of all parts
# together, up to which every part has all of its accounts; it is looked for only when there are so many rows. Rows
# become bytes here, not objects in Python. Kinds are numbers because they are compared with each row.
PACK = """
with held as materialized (
    (select 1 as kind, followee_id as id, null::timestamptz as until from following_by_follower
        where follower_id = $1 and followee_id > $2 order by followee_id limit $3)
    union all
    (select 2, blocked_id, null from blocks_by_blocker
        where blocker_id = $1 and blocked_id > $2 order by blocked_id limit $3)
    union all
    (select 2, blocker_id, null from blocks_by_blocked
        where blocked_id = $1 and blocker_id > $2 order by blocker_id limit $3)
    union all
    (select 3, owner_id, null from close_friends_by_friend
        where friend_id = $1 and owner_id > $2 order by owner_id limit $3)
    union all
    (select case when until is null then 4 else 5 end, muted_id, until from mutes_by_muter
        where muter_id = $1 and muted_id > $2 and (until is null or until > $4) order by muted_id limit $3)
), page as materialized (
    select case when count(*) >= $3 then
        (select distinct id from held order by id offset $3 - 1 limit 1)
    end as last
    from held
)
select
    string_agg(int8send(id), ''::bytea order by id) filter (where kind = 1) as following,
    string_agg(distinct int8send(id), ''::bytea) filter (where kind = 2) as blocked,
    string_agg(int8send(id), ''::bytea order by id) filter (where kind = 3) as close_friend_of,
    string_agg(int8send(id), ''::bytea order by id) filter (where kind = 4) as muted,
    array_agg(id order by id) filter (where kind = 5) as timed,
    array_agg(until order by id) filter (where kind = 5) as untils,
    (select last from page) as last,
    case when $2 = 0 then array(select tag from tag_follows where user_id = $1 order by tag) end as tags
from held where id <= coalesce((select last from page), 9223372036854775807)
"""


class Packed:
    """Without mutes that have ended by `now`."""

    def __init__(self, postgres: Postgres, now: Callable[[], datetime]) -> None:
        self._postgres = postgres
        self._now = now

    async def relations(self, user_id: int, *, after: int, limit: int) -> PackedRelations:
        """Those with accounts above `after`, so many accounts at most."""
        row = await self._postgres.primary.fetchrow(PACK, user_id, after, limit, self._now())
        assert row is not None  # noqa: S101 an aggregate without groups has one row
        return PackedRelations(
            following=row["following"] or b"",
            blocked=row["blocked"] or b"",
            close_friend_of=row["close_friend_of"] or b"",
            muted=row["muted"] or b"",
            timed_mutes=list(zip(row["timed"] or (), row["untils"] or (), strict=True)),
            tags=row["tags"] or (),
            last=row["last"] or 0,
        )
