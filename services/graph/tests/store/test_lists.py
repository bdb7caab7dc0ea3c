"""Pages and packed ids, on rows that stand for a large account."""

import json
import struct
from collections.abc import AsyncGenerator

import pytest
from graph_service.model import FIRST_PAGE, Edge
from graph_service.store.lists import NEWEST_FOLLOWERS, Lists
from kit.postgres import Pool, Postgres
from kit.testing import MakeDatabase

from services.graph.tests.store.conftest import MIGRATIONS

STAR, MANY = 7, 20_000
# Followers 1001, 1002, ...; the order of their follows is another one than that of their ids.
CROWD = f"""
with crowd as (
    select 1000 + number as follower_id, (number::bigint * 7919) % {MANY + 1} + 1 as id
    from generate_series(1, {MANY}) as number
), one as (
    insert into followers_by_followee (followee_id, follower_id, id) select {STAR}, follower_id, id from crowd
)
insert into following_by_follower (followee_id, follower_id, id) select {STAR}, follower_id, id from crowd
"""


@pytest.fixture
def lists(postgres: Postgres) -> Lists:
    return Lists(postgres)


@pytest.fixture
async def crowd(postgres: Postgres) -> None:
    await postgres.primary.execute(CROWD)
    await postgres.primary.execute("vacuum analyze followers_by_followee, following_by_follower")


async def all_pages(lists: Lists, size: int) -> list[Edge]:
    edges: list[Edge] = []
    before = FIRST_PAGE
    while page := await lists.followers(STAR, before=before, limit=size):
        edges += page
        before = page[-1].id
    return edges


async def blocks_read(postgres: Postgres, before: int) -> int:
    """Blocks of table and index that Postgres looks at for one page."""
    explain = f"explain (analyze, buffers, format json) {NEWEST_FOLLOWERS}"
    plan = json.loads(await postgres.primary.fetchval(explain, STAR, before, 101))[0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


@pytest.mark.usefixtures("crowd")
async def test_pages_go_from_new_to_old_and_miss_and_repeat_nobody(lists: Lists):
    edges = await all_pages(lists, 999)

    assert [edge.id for edge in edges] == sorted((edge.id for edge in edges), reverse=True)
    assert {edge.user_id for edge in edges} == set(range(1001, 1001 + MANY))
    assert len(edges) == MANY


@pytest.mark.usefixtures("crowd")
async def test_a_deep_page_costs_what_the_first_one_does(postgres: Postgres):
    assert await blocks_read(postgres, FIRST_PAGE) < 10
    assert await blocks_read(postgres, 200) < 10


@pytest.mark.usefixtures("crowd")
async def test_followers_are_packed_in_rising_order(lists: Lists):
    found: list[int] = []
    after = 0
    while True:
        packed, after = await lists.pack_followers(STAR, after=after, limit=4000)
        found += struct.unpack(f">{len(packed) // 8}q", packed)
        if not after:
            break
        assert after == found[-1]

    assert found == list(range(1001, 1001 + MANY))


@pytest.mark.usefixtures("crowd")
async def test_following_is_packed_too(lists: Lists):
    assert await lists.pack_following(1001, after=0, limit=10) == (struct.pack(">q", STAR), 0)


async def test_nobody_packs_to_nothing(lists: Lists):
    assert await lists.pack_followers(STAR, after=0, limit=10) == (b"", 0)


@pytest.fixture
async def behind(dsn: str, make_database: MakeDatabase) -> AsyncGenerator[Postgres]:
    """A primary with a "replica" that has none of its rows and cannot show how far it is."""
    postgres = Postgres(Pool(dsn, size=2), [Pool(await make_database(MIGRATIONS), size=2)])
    yield postgres
    await postgres.close()


async def test_a_replica_that_may_be_behind_packs_nobody_away(behind: Postgres):
    await behind.primary.execute("insert into followers_by_followee (followee_id, follower_id, id) values (7, 8, 1)")

    assert await Lists(behind).pack_followers(STAR, after=0, limit=10) == (struct.pack(">q", 8), 0)
