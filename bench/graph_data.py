"""A graph with one account that a million follow, the same for the same seed, straight into graph's database.

    python -m bench.graph_data --dsn postgresql://.../heliograph_graph

The database must be migrated and hold no follows. Beside the star there are people who follow one another, most of them
within a neighbourhood, some fans who are suspended, one who blocks the newest fans, and one who follows many people.
"""

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import asyncpg
from kit.ids import first_at

FIRST_ACCOUNT = first_at(datetime(2024, 1, 1, tzinfo=UTC))
FIRST_CHANGE = first_at(datetime(2025, 1, 1, tzinfo=UTC))
_STEP = 1 << 16  # a millisecond of ids
_TABLES = (
    ("followers_by_followee", "followee_id", "follower_id"),
    ("following_by_follower", "follower_id", "followee_id"),
)


@dataclass(frozen=True)
class Shape:
    """`people` of the `followers` follow `each` others, `suspended` of the rest are not active, the newest `blocked`
    are blocked by one account, and one account follows `followed` of the people."""

    followers: int = 1_000_000
    people: int = 10_000
    each: int = 80
    followed: int = 1_000
    suspended: int = 20_000
    blocked: int = 3_000
    neighbourhood: int = 250
    seed: int = 1


@dataclass(frozen=True)
class Graph:
    """Who is who in it. `fans` are the star's followers, the newest first; `people` are some of them."""

    star: int
    blocker: int
    curious: int
    fans: Sequence[int]
    people: Sequence[int]

    def strangers(self, number: int) -> list[int]:
        """Accounts without any relation."""
        return [_account(len(self.fans) + 10 + place) for place in range(number)]

    def deep(self, part: float) -> int:
        """The id of the follow that this part of the list lies above."""
        return _follow_id(len(self.fans) - int(part * len(self.fans)))


async def fill(dsn: str, shape: Shape, star: int) -> Graph:
    """Raises SystemExit when the database holds follows."""
    rng = random.Random(shape.seed)  # noqa: S311 the same for the same seed
    fans = [_account(number) for number in range(shape.followers)]
    people = fans[: shape.people]
    order = rng.sample(fans, len(fans))
    curious = _account(shape.followers + 2)
    edges = [*_among(people, shape, rng), *((curious, person) for person in rng.sample(people, shape.followed))]
    suspended = rng.sample(fans[shape.people :], min(shape.suspended, len(fans) - len(people)))
    graph = Graph(star, _account(shape.followers + 1), curious, order[::-1], people)
    async with asyncpg.create_pool(dsn, min_size=1, max_size=2) as pool:
        if await pool.fetchval("select exists (select from following_by_follower)"):
            raise SystemExit("the database holds follows already: give an empty one")
        await asyncio.gather(*(_copy(pool, place, order, star, edges) for place in range(len(_TABLES))))
        await _hide(pool, suspended, graph, shape.blocked)
        await _count(pool)
        await pool.execute("vacuum analyze")
    return graph


def _account(number: int) -> int:
    return FIRST_ACCOUNT + number * _STEP + number % 977


def _follow_id(place: int) -> int:
    return FIRST_CHANGE + place * _STEP


def _among(people: Sequence[int], shape: Shape, rng: random.Random) -> Iterator[tuple[int, int]]:
    """Who of the people follows whom: four of five within the neighbourhood."""
    near = min(shape.each * 4 // 5, shape.neighbourhood - 1)
    for place, person in enumerate(people):
        start = place // shape.neighbourhood * shape.neighbourhood
        others = set(rng.sample(people[start : start + shape.neighbourhood], near))
        while len(others) < min(shape.each, len(people) - 1):
            others.add(people[int(len(people) * rng.random() ** 3)])  # the first are the best known
        yield from ((person, other) for other in sorted(others - {person}))


async def _copy(
    pool: asyncpg.Pool, table: int, order: Sequence[int], star: int, among: Sequence[tuple[int, int]]
) -> None:
    name, *columns = _TABLES[table]
    follows = (
        *((fan, star, _follow_id(place)) for place, fan in enumerate(order)),
        *((one, other, _follow_id(len(order) + place)) for place, (one, other) in enumerate(among)),
    )
    turned = ((followee, follower, change) for follower, followee, change in follows) if table == 0 else follows
    async with pool.acquire() as conn:
        await conn.copy_records_to_table(name, records=turned, columns=[*columns, "id"])


async def _hide(pool: asyncpg.Pool, suspended: Sequence[int], graph: Graph, blocked: int) -> None:
    blocks = [(graph.blocker, fan, _follow_id(place)) for place, fan in enumerate(graph.fans[:blocked])]
    columns = ["blocker_id", "blocked_id", "id"]
    async with pool.acquire() as conn:
        await conn.copy_records_to_table(
            "hidden_accounts", records=[(one, True, 1) for one in suspended], columns=["user_id", "hidden", "version"]
        )
        for table in ("blocks_by_blocker", "blocks_by_blocked"):
            await conn.copy_records_to_table(table, records=blocks, columns=columns)


async def _count(pool: asyncpg.Pool) -> None:
    await pool.execute(
        """insert into account_counts (user_id, followers, following)
        select user_id, sum(followers), sum(following) from (
            select followee_id as user_id, count(*) as followers, 0 as following
            from followers_by_followee group by followee_id
            union all
            select follower_id, 0, count(*) from following_by_follower group by follower_id
        ) as counted group by user_id"""
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.graph_data", description="Make a graph with one star.")
    parser.add_argument("--dsn", required=True, help="of graph's database, migrated and empty")
    parser.add_argument("--star", type=int, default=_account(5_000_000), help="the account that all follow")
    for name, default in asdict(Shape()).items():
        parser.add_argument(f"--{name}", type=int, default=default)
    told = vars(parser.parse_args())
    dsn, star = told.pop("dsn"), told.pop("star")
    start = time.perf_counter()
    graph = asyncio.run(fill(dsn, Shape(**told), star))
    done = {"star": str(graph.star), "blocker": str(graph.blocker), "seconds": round(time.perf_counter() - start, 1)}
    sys.stdout.write(json.dumps(done) + "\n")


if __name__ == "__main__":
    main()
