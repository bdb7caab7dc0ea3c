"""Candidates for suggestions, by the edges as they are."""

from collections.abc import Callable
from datetime import datetime

from kit.postgres import Postgres

from graph_service.model.suggestions import Candidate

# What one call costs is bounded, whoever is asked about: so many followed accounts, so many followees of each, so many
# candidates. Only accounts that the viewer follows are looked into: their lists are open to the viewer, private or not.
# The candidates come with the most mutual accounts first and each is looked up in turn (`offset 0` keeps Postgres from
# joining all of them), until there are enough.
_CANDIDATES = """
with connector as materialized (
    select followee_id as user_id, id from following_by_follower as edge where follower_id = $1
        and not exists (select from hidden_accounts where user_id = edge.followee_id and hidden offset 0)
    order by id desc limit 150
), reached as (
    select theirs.followee_id as user_id, connector.user_id as by, connector.id
    from connector cross join lateral (
        select followee_id from following_by_follower where follower_id = connector.user_id order by id desc limit 80
    ) as theirs
    where theirs.followee_id <> $1
), candidate as (
    select user_id, count(*) as mutual, (array_agg(by order by id desc))[1:3] as mutual_ids from reached
    group by user_id order by mutual desc, user_id desc
), fresh as (
    select * from candidate where
        not exists (select from following_by_follower where follower_id = $1 and followee_id = user_id offset 0)
        and not exists (select from requests_by_follower where follower_id = $1 and followee_id = user_id offset 0)
        and not exists (select from dismissed_suggestions where viewer_id = $1 and dismissed_id = user_id offset 0)
        and not exists (select from blocks_by_blocker where blocker_id = $1 and blocked_id = user_id offset 0)
        and not exists (select from blocks_by_blocked where blocked_id = $1 and blocker_id = user_id offset 0)
        and not exists (select from mutes_by_muter where muter_id = $1 and muted_id = user_id
            and (until is null or until > $2) offset 0)
        and not exists (select from hidden_accounts as gone where gone.user_id = candidate.user_id and hidden offset 0)
    order by mutual desc, user_id desc limit 300
)
select user_id, mutual, mutual_ids,
    coalesce((select followers from account_counts as counts where counts.user_id = fresh.user_id), 0) as followers
from fresh
"""
_DISMISS = "insert into dismissed_suggestions (viewer_id, dismissed_id) values ($1, $2) on conflict do nothing"


class Suggestions:
    def __init__(self, postgres: Postgres, now: Callable[[], datetime]) -> None:
        self._postgres = postgres
        self._now = now

    async def candidates(self, viewer_id: int) -> list[Candidate]:
        """Not those whom the viewer follows, has asked, blocks, mutes or has dismissed, nor who blocks the viewer."""
        rows = await self._postgres.primary.fetch(_CANDIDATES, viewer_id, self._now())
        return [Candidate(row["user_id"], row["mutual"], tuple(row["mutual_ids"]), row["followers"]) for row in rows]

    async def dismiss(self, viewer_id: int, user_id: int) -> None:
        await self._postgres.primary.execute(_DISMISS, viewer_id, user_id)
