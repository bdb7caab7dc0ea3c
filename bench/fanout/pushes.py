"""Rows a second and what they cost, ours beside other writers in turns."""

import asyncio
import os
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from devstack.servers_cli import FOUND_BY
from devstack.supervision import Supervision

from bench.fanout import peers
from bench.fanout.peers import Writer
from bench.fanout.world import WORKING, World, settings_of
from bench.measure import Result, result, tree_seconds

SERVERS = ("postgres", "kafka", "cassandra", "redis")
WARM_UP_SECONDS = 8.0
_SAMPLE = 20


@dataclass(frozen=True)
class Burst:
    """How many posts each of them pushes at a time: about two seconds of work."""

    pairs: int = 5
    ours: int = 10
    stream_framework: int = 1
    execute_concurrent: int = 2
    batches: int = 6


async def throughput(world: World, burst: Burst) -> list[Result]:
    """From before the first post is asked for to the last answer of Cassandra and Redis, and to the rows being read."""
    settings, followers = settings_of(world.stack), world.people.known.followers
    with ExitStack() as stack:
        own = stack.enter_context(peers.keyspace(settings))
        writers = {
            "stream_framework": stack.enter_context(peers.stream_framework(own, followers)),
            "stream_framework_2": stack.enter_context(peers.stream_framework(own, followers, workers=2)),
            "execute_concurrent": stack.enter_context(peers.driver(own, "execute_concurrent", followers)),
            "batches": stack.enter_context(peers.driver(own, "batches", followers)),
        }
        counts = {
            "stream_framework": burst.stream_framework,
            "stream_framework_2": burst.stream_framework,
            "execute_concurrent": burst.execute_concurrent,
            "batches": burst.batches,
        }
        await _warm_up(world, writers)
        rates: dict[str, list[float]] = {name: [] for name in ("ours", *writers)}
        costs: list[dict[str, float]] = []
        for number in range(burst.pairs):
            rate, cost = await ours(world, burst.ours)
            rates["ours"].append(rate)
            costs.append(cost)
            for name, writer in writers.items():
                rates[name].append(await asyncio.to_thread(_theirs, writer, counts[name], 1000 * (number + 1)))
    return _results(rates, costs)


async def ours(world: World, posts: int) -> tuple[float, dict[str, float]]:
    """Rows a second, and microseconds of CPU for a row by process."""
    author = world.people.known
    sample, before = author.sample(_SAMPLE), await world.written()
    watched = _watched(world)
    used = {name: tree_seconds([pid]) for name, pid in watched.items()}
    began = time.perf_counter()
    ids = await asyncio.gather(*(world.post(author) for _ in range(posts)))
    rows = posts * (author.followers + 1)  # the author has one too
    await world.wrote(before + rows)
    for post_id in ids:
        await world.seen(post_id, sample)
    took = time.perf_counter() - began
    spent = {name: (tree_seconds([pid]) - used[name]) / rows * 1e6 for name, pid in watched.items()}
    return rows / took, spent


def _theirs(writer: Writer, posts: int, first: int) -> float:
    began = time.perf_counter()
    for number in range(posts):
        writer.push(first + number)
    return posts * writer.followers / (time.perf_counter() - began)


async def _warm_up(world: World, writers: dict[str, Writer]) -> None:
    """A cold JIT of Cassandra's halves everybody's rate."""
    end = time.perf_counter() + WARM_UP_SECONDS
    while time.perf_counter() < end:
        await ours(world, 2)
    for writer in writers.values():
        await asyncio.to_thread(writer.push, 1)


def _watched(world: World) -> dict[str, int]:
    servers = Supervision(Path(os.environ[FOUND_BY]).parent)
    return {name: world.stack.pid(name) for name in WORKING} | {name: servers.state(name).pid for name in SERVERS}


def _results(rates: dict[str, list[float]], costs: list[dict[str, float]]) -> list[Result]:
    def against(name: str, other: str, what: str) -> Result:
        return result(name, "rows/s", rates["ours"], reference=what, of=rates[other])

    totals = [sum(cost.values()) for cost in costs]
    return [
        against("fanout_vs_stream_framework", "stream_framework", "stream-framework 1.4, a worker"),
        against("fanout_vs_stream_framework_two_workers", "stream_framework_2", "stream-framework 1.4, two workers"),
        against("fanout_vs_execute_concurrent", "execute_concurrent", "execute_concurrent, a row a statement"),
        against("fanout_vs_plain_writer", "batches", "unlogged batches of 50 alone"),
        *(result(f"rows_per_second_{name}", "rows/s", rates[name]) for name in rates if name != "ours"),
        result("fanout_us_per_row", "us", totals),
        *(result(f"fanout_us_per_row_{name}", "us", [cost[name] for cost in costs]) for name in costs[0]),
    ]
