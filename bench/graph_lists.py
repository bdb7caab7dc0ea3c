"""What the graph costs beside an account that a million follow: `make bench-graph`.

Runs the user and graph services as they are deployed, with a generated graph in a database that is dropped afterwards,
and times calls to graph's gRPC port one after another, as their caller sees them. Ends with status 1 when a page of
followers, the first or a deep one, takes more than 20 ms at p50 or at p99.
"""

import argparse
import asyncio
import json
import os
import secrets
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from devstack.testing import Stack
from heliograph.graph.v1 import graph_pb2 as pb
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub
from heliograph.user.v1.user_pb2 import RegisterAccountRequest
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.client import channel

from bench.graph_data import Graph, Shape, fill
from bench.measure import Result, report, result

RUNS = 5
CALLS = 100
LIMIT_MS = 20.0
LIMITED = ("followers_first_page", "followers_page_of_100")

Call = Callable[[], Awaitable[object]]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.graph_lists", description=__doc__)
    parser.add_argument("--followers", type=int, default=Shape.followers)
    shape = Shape(followers=parser.parse_args().followers)
    with Stack(only=("user", "graph")) as stack:
        results = asyncio.run(measured(stack, shape))
    report("graph", results)
    late = [found.name for found in results if found.name.startswith(LIMITED) and found.value > LIMIT_MS]
    if late:
        sys.exit(f"above {LIMIT_MS:g} ms: {', '.join(late)}")


async def measured(stack: Stack, shape: Shape) -> list[Result]:
    async with (
        channel(stack.address("user"), service="user", seconds=10) as user,
        channel(stack.address("graph"), service="graph", seconds=10) as channel_,
    ):
        star = await register(UserServiceStub(user))
        start = time.perf_counter()
        graph = await fill(dsn_of(stack), shape, star)
        made = time.perf_counter() - start
        results = [result("followers", "accounts", [shape.followers]), result("making_the_graph_s", "s", [made])]
        for name, call in calls(GraphServiceStub(channel_), graph):
            results += await timed(name, call)
        return results


async def register(user: UserServiceStub) -> int:
    """The star: whom people follow and block has to exist."""
    name = "bench_star"
    request = RegisterAccountRequest(
        username=name, email=f"{name}@example.org", password=secrets.token_urlsafe(16), name="Star", request_id=name
    )
    return (await user.RegisterAccount(request)).account.profile.id


def dsn_of(stack: Stack) -> str:
    servers: dict[str, str] = json.loads(Path(os.environ["HELIOGRAPH_TEST_SERVERS"]).read_text())
    admin = urlsplit(servers["HELIOGRAPH_POSTGRES_ADMIN_DSN"])
    return urlunsplit(admin._replace(path=f"/{stack.names.databases}graph"))


def calls(graph: GraphServiceStub, about: Graph) -> Iterator[tuple[str, Call]]:
    """Changes come first: each leaves the graph as the next needs it, and in the end as it was but for blocks."""
    star = about.star
    strangers = about.strangers(RUNS * CALLS)
    fans = list(about.fans[-RUNS * CALLS :])

    def each(viewers: Sequence[int], call: Callable[[int], Awaitable[object]]) -> Call:
        turns = iter(viewers)
        return lambda: call(next(turns))

    yield "follow", each(strangers, lambda one: graph.Follow(pb.FollowRequest(viewer_id=one, user_id=star)))
    yield "unfollow", each(strangers, lambda one: graph.Unfollow(pb.UnfollowRequest(viewer_id=one, user_id=star)))
    yield "block_of_the_star", each(fans, lambda one: graph.Block(pb.BlockRequest(viewer_id=one, user_id=star)))

    def page(viewer: int, size: int, before: int = 0) -> Call:
        token = str(before) if before else ""
        return lambda: graph.ListFollowers(
            pb.ListFollowersRequest(viewer_id=viewer, user_id=star, page_size=size, page_token=token)
        )

    reader = strangers[0]
    yield "followers_first_page_of_20", page(reader, 20)
    yield "followers_first_page_of_100", page(reader, 100)
    yield "followers_page_of_100_at_half", page(reader, 100, about.deep(0.5))
    yield "followers_page_of_100_at_the_end", page(reader, 100, about.deep(0.999))
    yield "followers_page_past_3000_blocked", page(about.blocker, 100)
    yield (
        "suggestions",
        each(about.people, lambda one: graph.ListSuggestions(pb.ListSuggestionsRequest(viewer_id=one, page_size=20))),
    )
    curious = pb.ListSuggestionsRequest(viewer_id=about.curious, page_size=20)
    yield "suggestions_for_one_who_follows_1000", lambda: graph.ListSuggestions(curious)
    related = pb.BatchGetRelationshipsRequest(viewer_id=about.people[0], ids=about.fans[:100])
    yield "relationships_of_100", lambda: graph.BatchGetRelationships(related)


async def timed(name: str, call: Call) -> list[Result]:
    """Median and 99th percentile of each run."""
    halves: list[float] = []
    tails: list[float] = []
    for _ in range(RUNS):
        took: list[float] = []
        for _ in range(CALLS):
            start = time.perf_counter()
            await call()
            took.append((time.perf_counter() - start) * 1000)
        halves.append(statistics.median(took))
        tails.append(statistics.quantiles(took, n=100)[98])
    return [result(f"{name}_p50_ms", "ms", halves), result(f"{name}_p99_ms", "ms", tails)]


if __name__ == "__main__":
    main()
