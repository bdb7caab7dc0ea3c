"""Pages and packed ids, on rows that stand for a large account."""

import json
import struct
from collections.abc import AsyncGenerator

import pytest
from graph_service.model.lists import FIRST_PAGE, Edge
from graph_service.store.accounts import Accounts
from graph_service.store.lists import FOLLOWERS, LOOKED_AT, Lists
from kit.postgres import Pool, Postgres
from kit.testing import MakeDatabase

from services.graph.tests.store.conftest import MIGRATIONS
from services.graph.tests.world import Clock

STAR, VIEWER, MANY = 7, 8, 20_000
NEWEST = MANY + 1
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
def lists(postgres: Postgres, clock: Clock) -> Lists:
    return Lists(postgres, clock)


@pytest.fixture
async def crowd(postgres: Postgres) -> None:
    await postgres.primary.execute(CROWD)
    await postgres.primary.execute("vacuum analyze followers_by_followee, following_by_follower")


async def all_pages(lists: Lists, size: int) -> list[Edge]:
    edges: list[Edge] = []
    before = FIRST_PAGE
    while part := (await lists.followers(STAR, VIEWER, before=before, limit=size)).edges:
        edges += part
        before = part[-1].id
    return edges


async def blocks_read(postgres: Postgres, before: int) -> int:
    """Blocks of table and index that Postgres looks at for one page."""
    explain = f"explain (analyze, buffers, format json) {FOLLOWERS.page}"
    plan = json.loads(await postgres.primary.fetchval(explain, STAR, before, 101, VIEWER))[0]["Plan"]
    return plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


async def hide(postgres: Postgres, newest: int) -> None:
    """Suspends so many of the newest followers."""
    await postgres.primary.execute(
        f"""insert into hidden_accounts (user_id, hidden, version)
            select follower_id, true, 1 from followers_by_followee where followee_id = {STAR}
            order by id desc limit {newest}"""
    )


@pytest.mark.usefixtures("crowd")
async def test_pages_go_from_new_to_old_and_miss_and_repeat_nobody(lists: Lists):
    edges = await all_pages(lists, 999)

    assert [edge.id for edge in edges] == sorted((edge.id for edge in edges), reverse=True)
    assert {edge.user_id for edge in edges} == set(range(1001, 1001 + MANY))
    assert len(edges) == MANY


@pytest.mark.usefixtures("crowd")
async def test_a_deep_page_costs_what_the_first_one_does(postgres: Postgres):
    first, deep = await blocks_read(postgres, FIRST_PAGE), await blocks_read(postgres, 200)

    # Some blocks of the list's index, and one or two of each index that each account of the page is looked up in.
    assert first < 101 * 3 * 2 + 10
    assert deep <= first * 1.1


@pytest.mark.usefixtures("crowd")
async def test_what_is_hidden_in_a_row_is_passed_over_within_one_call_up_to_a_bound(lists: Lists, postgres: Postgres):
    await hide(postgres, LOOKED_AT - 10)

    part = await lists.followers(STAR, VIEWER, before=FIRST_PAGE, limit=10)

    assert [edge.id for edge in part.edges] == [NEWEST - LOOKED_AT + 10 - place for place in range(10)]
    assert part.rest == 0


@pytest.mark.usefixtures("crowd")
async def test_beyond_the_bound_the_part_says_where_to_look_on(lists: Lists, postgres: Postgres):
    await hide(postgres, LOOKED_AT + 5)

    part = await lists.followers(STAR, VIEWER, before=FIRST_PAGE, limit=10)
    rest = await lists.followers(STAR, VIEWER, before=part.rest, limit=10)

    assert (list(part.edges), part.rest) == ([], NEWEST - LOOKED_AT + 1)
    assert [edge.id for edge in rest.edges][:2] == [NEWEST - LOOKED_AT - 5, NEWEST - LOOKED_AT - 6]


@pytest.mark.usefixtures("crowd")
async def test_a_list_that_ends_within_the_bound_has_no_rest(lists: Lists):
    part = await lists.followers(STAR, VIEWER, before=LOOKED_AT, limit=LOOKED_AT)

    assert (len(part.edges), part.rest) == (LOOKED_AT - 2, 0)


async def test_older_news_of_an_account_change_nothing(postgres: Postgres, lists: Lists):
    await postgres.primary.execute(f"insert into followers_by_followee values ({STAR}, 1001, 5)")
    accounts = Accounts(postgres)

    for hidden, version, shown in ((True, 3, 0), (False, 2, 0), (False, 4, 1), (True, 3, 1)):
        await accounts.set_hidden(1001, hidden=hidden, version=version)
        part = await lists.followers(STAR, VIEWER, before=FIRST_PAGE, limit=10)
        assert len(part.edges) == shown


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

    assert await Lists(behind, Clock()).pack_followers(STAR, after=0, limit=10) == (struct.pack(">q", 8), 0)
