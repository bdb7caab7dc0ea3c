"""All relations of an account, page by page, and what a page costs."""

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from graph_service.store.packed import PACK, Packed
from kit.postgres import Pool, Postgres
from kit.testing import MakeDatabase

from services.graph.tests.store.conftest import MIGRATIONS
from services.graph.tests.world import Clock

ME, OTHER, MANY = 7, 8, 5_000
# Each list as its own end leads it.
FOLLOWS = "insert into following_by_follower (follower_id, followee_id, id) values ($1, $2, 1)"
BLOCKS = "insert into blocks_by_blocker (blocker_id, blocked_id, id) values ($1, $2, 1)"
BLOCKED = "insert into blocks_by_blocked (blocked_id, blocker_id, id) values ($1, $2, 1)"
FRIENDS = "insert into close_friends_by_friend (friend_id, owner_id, id) values ($1, $2, 1)"
MUTES = "insert into mutes_by_muter (muter_id, muted_id, id, until) values ($1, $2, 1, $3)"


@dataclass
class Seen:
    """What the pages said, and how many accounts each of them held of."""

    following: list[int] = field(default_factory=list[int])
    blocked: list[int] = field(default_factory=list[int])
    close_friend_of: list[int] = field(default_factory=list[int])
    muted: list[int] = field(default_factory=list[int])
    timed: list[tuple[int, datetime]] = field(default_factory=list[tuple[int, datetime]])
    tags: list[Sequence[str]] = field(default_factory=list[Sequence[str]])
    sizes: list[int] = field(default_factory=list[int])


@pytest.fixture
def packed(postgres: Postgres, clock: Clock) -> Packed:
    return Packed(postgres, clock)


def unpack(ids: bytes) -> list[int]:
    return list(struct.unpack(f">{len(ids) // 8}q", ids))


async def pages(packed: Packed, size: int) -> Seen:
    seen, after = Seen(), 0
    while True:
        page = await packed.relations(ME, after=after, limit=size)
        lists = [unpack(ids) for ids in (page.following, page.blocked, page.close_friend_of, page.muted)]
        for into, ids in zip((seen.following, seen.blocked, seen.close_friend_of, seen.muted), lists, strict=True):
            into += ids
        seen.timed += page.timed_mutes
        seen.tags.append(list(page.tags))
        accounts = {user_id for ids in lists for user_id in ids} | {user_id for user_id, _ in page.timed_mutes}
        assert all(after < user_id for user_id in accounts)
        assert not page.last or max(accounts) == page.last
        seen.sizes.append(len(accounts))
        if not page.last:
            return seen
        after = page.last


async def put(postgres: Postgres, statement: str, ids: Sequence[int], *more: object) -> None:
    for user_id in ids:
        await postgres.primary.execute(statement, ME, user_id, *more)
        await postgres.primary.execute(statement, OTHER, user_id + 1, *more)  # nobody else's is mine


async def mixed(postgres: Postgres, clock: Clock) -> dict[str, object]:
    later = clock.now + timedelta(hours=1)
    await put(postgres, FOLLOWS, [10, 20, 30, 40, 50, 60])
    await put(postgres, BLOCKS, [15, 25])
    await put(postgres, BLOCKED, [25, 70])
    await put(postgres, FRIENDS, [10, 80])
    await put(postgres, MUTES, [20, 90], None)
    await put(postgres, MUTES, [30, 85], later)
    await put(postgres, MUTES, [35, 40], clock.now)
    await postgres.primary.execute(f"insert into tag_follows values ({ME}, 'dusk', 2), ({ME}, 'berlin', 3)")
    await postgres.primary.execute(f"insert into tag_follows values ({OTHER}, 'dawn', 2)")
    return {
        "following": [10, 20, 30, 40, 50, 60],
        "blocked": [15, 25, 70],
        "close_friend_of": [10, 80],
        "muted": [20, 90],
        "timed": [(30, later), (85, later)],
    }


@pytest.mark.parametrize("size", [1, 2, 3, 5, 11, 12, 13, 10_000])
async def test_pages_of_any_size_hold_all_of_it_once(packed: Packed, postgres: Postgres, clock: Clock, size: int):
    expected = await mixed(postgres, clock)

    seen = await pages(packed, size)

    assert {name: getattr(seen, name) for name in expected} == expected
    assert set(seen.sizes[:-1]) <= {size}  # every account once, and only the last page may be short
    assert sum(seen.sizes) == 12
    assert seen.tags == [["berlin", "dusk"]] + [[]] * (len(seen.sizes) - 1)


async def test_a_mute_is_left_out_from_its_end_on(packed: Packed, postgres: Postgres, clock: Clock):
    await put(postgres, MUTES, [30], clock.now + timedelta(seconds=1))
    assert [user_id for user_id, _ in (await packed.relations(ME, after=0, limit=10)).timed_mutes] == [30]

    clock.forward(1)
    page = await packed.relations(ME, after=0, limit=10)
    assert (list(page.timed_mutes), page.muted) == ([], b"")


async def test_who_has_nothing_has_one_empty_page(packed: Packed):
    page = await packed.relations(ME, after=0, limit=10)

    assert (page.following, page.blocked, page.close_friend_of, page.muted) == (b"", b"", b"", b"")
    assert (list(page.timed_mutes), list(page.tags), page.last) == ([], [], 0)


async def test_a_replica_is_never_asked(dsn: str, make_database: MakeDatabase, clock: Clock):
    postgres = Postgres(Pool(dsn, size=2), [Pool(await make_database(MIGRATIONS), size=2)])
    await postgres.primary.execute(BLOCKED, ME, 9)

    assert unpack((await Packed(postgres, clock).relations(ME, after=0, limit=10)).blocked) == [9]
    await postgres.close()


async def test_a_page_reads_ranges_of_keys_however_much_there_is(packed: Packed, postgres: Postgres, clock: Clock):
    """5,000 follows among as many of each of twenty others."""
    await postgres.primary.execute(
        f"""insert into following_by_follower (follower_id, followee_id, id)
            select owner, 1000 + number, 1 from generate_series({ME}, {ME + 20}) as owner,
                generate_series(1, {MANY}) as number"""
    )
    await postgres.primary.execute("vacuum analyze following_by_follower")

    explain = f"explain (analyze, buffers, format json) {PACK}"
    plan = json.loads(await postgres.primary.fetchval(explain, ME, 0, 10_000, clock.now))[0]["Plan"]

    assert len((await packed.relations(ME, after=0, limit=10_000)).following) == 8 * MANY
    assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 80
