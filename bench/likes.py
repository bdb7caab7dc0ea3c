"""Likes of one post by many people at once: `make bench-likes`.

The same likes into the same tables of a real Postgres, three ways, in turns:

- `grouped`: the post service's own code, rows, events and counts in Redis with it
- `statement`: one statement each that inserts the row and its event, whose bytes cost nothing here; nothing is counted
- `transaction`: begin, insert, event, commit, by the service's own functions; nothing is counted

`likes_vs_single` is likes a second, grouped over statement. AT_ONCE people like all the time, each time as another
account, so that every like is a row and an event. Relays do not run: what they cost is the same for all three.
"""

import asyncio
import itertools
import json
import os
import secrets
import time
import uuid
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import psutil
import uvloop
from kit import migrations
from kit.counters import Counters
from kit.hotredis import open_hot_redis
from kit.kafka import open_producer
from kit.outbox import Outbox, lane_of
from kit.postgres import Postgres, open_postgres
from kit.redis import open_redis
from kit.settings import KafkaSettings, PostgresSettings, RedisSettings
from post_service.events import ENGAGEMENT_TOPIC, encode
from post_service.model.changes import LikeChanged
from post_service.service.like_groups import LikeGroups
from post_service.service.tallies import Tallies
from post_service.store import likes as rows
from post_service.store.counts import PostCountStore
from post_service.store.truth import Truth

from bench.measure import Result, cpu_seconds, report, result, tree_seconds

RUNS = 7
SECONDS = 3.0
AT_ONCE = {"grouped": 1000, "statement": 64, "transaction": 64}  # single ones wait for ten connections anyway
POST, AUTHOR = 100, 11
MIGRATIONS = Path(__file__).parents[1] / "services" / "post" / "migrations"

_STATEMENT = """
with made as (insert into likes (post_id, user_id) values ($1, $2) on conflict do nothing returning user_id)
insert into outbox (shard, lane, topic, key, type, event_id, payload)
select $1, $3, $4, $5, $6, $7, $8 from made
"""

Like = Callable[[int], Awaitable[object]]


@dataclass(frozen=True)
class Run:
    """`ours` and `postgres` are CPU microseconds a like."""

    rate: float
    ours: float
    postgres: float


def main() -> None:
    uvloop.run(measured())


async def measured() -> None:
    async with database() as dsn, ways(dsn) as (postgres, likes):
        server = psutil.Process(await postgres.primary.fetchval("select pg_backend_pid()")).parent()
        assert server is not None  # noqa: S101 a backend has a postmaster
        found: dict[str, list[Run]] = {name: [] for name in AT_ONCE}
        users = itertools.count(1)
        for turn in range(RUNS + 1):  # the first warms up
            for name, people in AT_ONCE.items():
                await postgres.primary.execute("truncate likes, outbox")
                run = await liked_for(SECONDS, likes[name], people, users, server.pid)
                if turn:
                    found[name].append(run)
    report("likes", results(found))


async def liked_for(seconds: float, like: Like, people: int, users: "itertools.count[int]", server: int) -> Run:
    end, done = time.perf_counter() + seconds, 0

    async def fan() -> None:
        nonlocal done
        while time.perf_counter() < end:
            await like(next(users))
            done += 1

    start, ours, theirs = time.perf_counter(), cpu_seconds([os.getpid()]), tree_seconds([server])
    await asyncio.gather(*(fan() for _ in range(people)))
    took = time.perf_counter() - start
    ours, theirs = cpu_seconds([os.getpid()]) - ours, tree_seconds([server]) - theirs
    return Run(done / took, ours / done * 1e6, theirs / done * 1e6)


def results(found: dict[str, list[Run]]) -> list[Result]:
    rates = {name: [run.rate for run in runs] for name, runs in found.items()}
    reference = "likes_statement_per_s"
    made = [result("likes_vs_single", "likes/s", rates["grouped"], reference=reference, of=rates["statement"])]
    for name, runs in found.items():
        made.append(result(f"likes_{name}_per_s", "likes/s", rates[name]))
        made.append(result(f"likes_{name}_cpu_us", "us of the service", [run.ours for run in runs]))
        made.append(result(f"likes_{name}_postgres_cpu_us", "us of Postgres", [run.postgres for run in runs]))
    return made


@asynccontextmanager
async def ways(dsn: str) -> AsyncGenerator[tuple[Postgres, dict[str, Like]]]:
    servers = read_servers()
    kafka = KafkaSettings(kafka_bootstrap=servers["HELIOGRAPH_KAFKA_BOOTSTRAP"])
    settings = PostgresSettings.model_validate({"postgres_dsn": dsn})
    redis_settings = RedisSettings.model_validate({"redis_url": servers["HELIOGRAPH_REDIS_URL"]})
    async with (
        open_postgres(settings) as postgres,
        open_producer(kafka) as producer,
        open_redis(redis_settings) as redis,
        open_hot_redis(redis_settings) as hot,
    ):
        truth = Truth(postgres, Outbox(postgres, producer, source="bench"), encode)
        store, name = PostCountStore(postgres), f"bench:likes:{secrets.token_hex(4)}"
        counters = Counters(redis, name, store.FIELDS, store.load, store.save, store.count, hot=hot)
        groups = LikeGroups(truth, Tallies(counters, counters))

        async def grouped(user_id: int) -> None:
            assert (await groups.change(POST, AUTHOR, user_id, liked=True)).change_id  # noqa: S101 each is new

        yield postgres, {"grouped": grouped, "statement": statement(postgres), "transaction": transaction(truth)}
        await redis.delete(f"{name}:dirty", f"{name}:check", f"{name}:{{{POST}}}")  # the rest goes by itself


def statement(postgres: Postgres) -> Like:
    event = encode(LikeChanged(True, POST, AUTHOR, 1, datetime.now(UTC), 1 << 56))

    async def like(user_id: int) -> None:
        key = f"{POST}:{user_id}"
        await postgres.primary.execute(
            _STATEMENT, POST, user_id, lane_of(key), ENGAGEMENT_TOPIC, key, event.type, uuid.uuid4(), event.payload
        )

    return like


def transaction(truth: Truth) -> Like:
    async def like(user_id: int) -> None:
        async with truth.transaction() as tx:
            change_id, at = (await rows.add(tx.conn, POST, [user_id]))[user_id]
            await tx.emit(LikeChanged(True, POST, AUTHOR, user_id, at, change_id))

    return like


@asynccontextmanager
async def database() -> AsyncGenerator[str]:
    """Of its own, with the service's tables; dropped at the end."""
    admin, name = read_servers()["HELIOGRAPH_POSTGRES_ADMIN_DSN"], f"bench_likes_{secrets.token_hex(4)}"
    connection = await asyncpg.connect(admin)
    try:
        await connection.execute(f'create database "{name}"')
        dsn = urlunsplit(urlsplit(admin)._replace(path=f"/{name}"))
        await migrations.upgrade(dsn, MIGRATIONS)
        yield dsn
    finally:
        await connection.execute(f'drop database if exists "{name}" with (force)')
        await connection.close()


def read_servers() -> dict[str, str]:
    return json.loads(Path(os.environ["HELIOGRAPH_TEST_SERVERS"]).read_text())


if __name__ == "__main__":
    main()
