"""`make bench-fanout`: posts to followers, end to end, beside other writers. See bench/README.md."""

import argparse
import asyncio
import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from devstack.servers_cli import FOUND_BY
from devstack.site import read_json
from devstack.testing import Stack
from kit.cql import blocking_session

from bench.fanout import pushes, visible
from bench.fanout.pushes import Burst
from bench.fanout.relay import relay
from bench.fanout.world import PROCESSES, Crowd, crowd, environment, fill, media_of, opened, settings_of
from bench.measure import Result, report

_EVERYBODY = 100_000_000

Media = Mapping[int, Iterator[int]]


@dataclass(frozen=True)
class Size:
    star: int = 1_000_000
    known: int = 10_000
    small: int = 50
    each: int = 100
    posts: int = 100
    sample: int = 500
    readers: int = 200
    relay_rate: int = 500
    burst: Burst = field(default_factory=Burst)


FULL = Size()
QUICK = Size(20_000, 2_000, 5, 20, 5, 50, 20, 50, Burst(2, 2, 1, 1, 1))


def main() -> None:
    asked = _arguments()
    size = QUICK if asked.quick else FULL
    people = crowd(size.star, size.known, size.small, size.each)
    # All are pushed; nobody becomes idle.
    settings = environment(fanout_threshold=_EVERYBODY, fanout_least=_EVERYBODY, idle_days=0)
    with Stack(only=PROCESSES, environment=settings) as stack:
        _say(f"writing {size.star + size.known + size.small * size.each} follows")
        asyncio.run(fill(stack.stores.postgres, people))
        media = {author.number: iter(media_of(author)) for author in people.all}
        results = asyncio.run(pushed(stack, people, media, size, asked.only))
        if asked.only in ("", "celebrity"):
            merge_at_read(stack, people)
            results += asyncio.run(merged(stack, people, media, size))
    if asked.only in ("", "relay"):
        _say("relay")
        servers = read_json(Path(os.environ[FOUND_BY]))
        found = relay(
            str(servers["HELIOGRAPH_POSTGRES_ADMIN_DSN"]), str(servers["HELIOGRAPH_KAFKA_BOOTSTRAP"]), size.relay_rate
        )
        results += asyncio.run(found)
    report("fanout-quick" if asked.quick else "fanout", results, final=not asked.quick)


async def pushed(stack: Stack, people: Crowd, media: Media, size: Size, only: str) -> list[Result]:
    results: list[Result] = []
    async with opened(stack, people, media) as world:
        if only in ("", "pushes"):
            _say("pushes, in turns with other writers")
            results += await pushes.throughput(world, size.burst)
        if only in ("", "visible"):
            _say("10,000 followers")
            results += await visible.known(world, size.posts, size.sample)
            results += await visible.small_alone(world, size.posts)
        if only in ("", "large"):
            _say("small authors beside a large one")
            results += await visible.small_beside_large(world, size.sample)
    return results


def merge_at_read(stack: Stack, people: Crowd) -> None:
    """The threshold as shipped, which the star is above, and was long ago."""
    _say("above the threshold")
    settings = settings_of(stack)
    stack.stop("fanout")
    with blocking_session(settings) as session:
        session.set_keyspace(settings.cassandra_keyspace)
        since = int((time.time() - 86_400) * 1e6)
        mark = "insert into pulled_author (shard, author_id, since_us) values (0, %s, %s) if not exists"
        session.execute(mark, (people.star.id, since))
    stack.start("fanout", environment(fanout_threshold=people.star.followers // 10, idle_days=0)["fanout"])


async def merged(stack: Stack, people: Crowd, media: Media, size: Size) -> list[Result]:
    async with opened(stack, people, media) as world:
        return await visible.celebrity(world, max(5, size.posts // 10), size.readers)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.fanout", description=__doc__)
    parser.add_argument("--only", choices=("pushes", "visible", "large", "celebrity", "relay"), default="")
    parser.add_argument("--quick", action="store_true", help="a smoke run: its figures mean nothing")
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stderr.write(f"{text}\n")


if __name__ == "__main__":
    main()
