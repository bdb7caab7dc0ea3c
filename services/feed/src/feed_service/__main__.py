"""`python -m feed_service serve | fanout | migrate | rebuild --user ID`: the only place where the service is put
together."""

import sys
import time
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from heliograph.feed.v1 import feed_pb2, feed_pb2_grpc
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub
from heliograph.post.v1.fragments_pb2_grpc import FragmentServiceStub
from heliograph.post.v1.post_pb2_grpc import PostServiceStub
from heliograph.privacy.v1 import privacy_pb2
from heliograph.privacy.v1.privacy_pb2_grpc import add_PersonalDataServiceServicer_to_server
from heliograph.upkeep.v1 import upkeep_pb2
from heliograph.upkeep.v1.upkeep_pb2_grpc import (
    add_UpkeepServiceServicer_to_server,
    add_VerifyServiceServicer_to_server,
)
from kit import cassandra, server
from kit.cassandra import Cassandra, open_cassandra
from kit.client import channel
from kit.hotredis import HotRedis, open_hot_redis
from kit.ids import parse
from kit.kafka import open_producer
from kit.many import Batcher
from kit.process import Command, main
from kit.redis import open_redis
from redis.asyncio import Redis

from feed_service.callers import CALLERS
from feed_service.clients import FragmentClient, GraphClient, PostClient
from feed_service.events import LaneTasks
from feed_service.pushing import Written, pushing
from feed_service.ranking import Traces, interests_consumer, ranking
from feed_service.reading import Peers, Stores, reading
from feed_service.rpc import FeedRpc, PersonalRpc, UpkeepRpc, VerifyRpc
from feed_service.service import Erasure, Notes, Rebuild, Verify, Watermark
from feed_service.settings import FanoutSettings, FeedSettings, MigrateSettings, ServeSettings
from feed_service.store import (
    AuthorMarks,
    AuthorRows,
    ErasedRows,
    HomeRows,
    HomeStates,
    IdleAccounts,
    Patience,
    SharedTops,
    ViewsAtHand,
    WarmTimelines,
)
from feed_service.views import pieces_listener, views_consumer

NAME = feed_pb2.DESCRIPTOR.services_by_name["FeedService"].full_name
PERSONAL = privacy_pb2.DESCRIPTOR.services_by_name["PersonalDataService"].full_name
VERIFY = upkeep_pb2.DESCRIPTOR.services_by_name["VerifyService"].full_name
UPKEEP = upkeep_pb2.DESCRIPTOR.services_by_name["UpkeepService"].full_name
MIGRATIONS = Path(__file__).parents[2] / "migrations" / "cassandra"

now = partial(datetime.now, UTC)


class Parts:
    """What more than one command is made of. A reader has no time to wait for a server that is down, a worker has."""

    def __init__(self, settings: FeedSettings, rows: Cassandra, redis: Redis, hot: HotRedis, *, hurried: bool) -> None:
        seconds, rest = (1.0, 1.0) if hurried else (10.0, 0.0)
        waiting = Patience("CASSANDRA", seconds=seconds, rest=rest, clock=time.monotonic)
        self.home = HomeRows(rows, waiting)
        self.authors = AuthorRows(rows, waiting, now=now)
        self.states = HomeStates(rows, waiting)
        self.marks = AuthorMarks(rows, waiting)
        self.erased = ErasedRows(rows, waiting)
        # The fan-out need not wait for Redis either: the late lane does.
        self.warm = WarmTimelines(
            redis, Patience("REDIS", seconds=2.0, rest=1.0, clock=time.monotonic), cap=settings.warm_cap
        )
        self.views = ViewsAtHand(hot, now=now)
        self.notes = Notes(self.warm, self.views)
        self.idle = IdleAccounts(redis, Patience("REDIS", seconds=0.5, rest=1.0, clock=time.monotonic), now=now)
        self.traces = Traces(redis, now=now)
        self.erasure = Erasure(
            self.erased, self.home, self.authors, self.marks, self.warm, self.views, self.idle, self.traces.forgetting
        )


async def serve(settings: ServeSettings) -> None:
    async with AsyncExitStack() as stack:
        rows, redis, hot, peers = await _opened(stack, settings)
        parts = Parts(settings, rows, redis, hot, hurried=True)
        rebuilding = Rebuild(parts.home, parts.warm, parts.idle, parts.marks, peers.posts, peers.graph, now=now)
        tops = SharedTops(hot, seconds=settings.shared_list_seconds)
        stores = Stores(parts.home, parts.warm, parts.authors, parts.views, tops)
        reads = reading(settings, stores, peers, rebuilding, now=now)
        ranked = await ranking(stack, settings, parts.traces, reads, peers, now=now)
        verifying = Verify(reads.pages, reads.candidates)
        listener = pieces_listener(settings, reads.fragments)
        watermark = Watermark(
            peers.fragments.published, listener.heard, reads.fragments.heard_until, clock=time.monotonic
        )
        feed = FeedRpc(reads.feed, reads.pages, parts.notes, reads.fragments, ranked)
        await server.serve(
            settings,
            "feed",
            register=[
                partial(feed_pb2_grpc.add_FeedServiceServicer_to_server, feed),
                partial(add_PersonalDataServiceServicer_to_server, PersonalRpc(parts.erasure)),
                partial(add_UpkeepServiceServicer_to_server, UpkeepRpc(rebuilding)),
                partial(add_VerifyServiceServicer_to_server, VerifyRpc(verifying)),
            ],
            names=[NAME, PERSONAL, UPKEEP, VERIFY],
            callers=CALLERS,
            tasks=[listener.run, watermark.run, *ranked.tasks],
        )


async def fanout(settings: FanoutSettings) -> None:
    async with AsyncExitStack() as stack:
        rows, redis, hot, peers = await _opened(stack, settings)
        parts = Parts(settings, rows, redis, hot, hurried=False)
        tasks = LaneTasks(await stack.enter_async_context(open_producer(settings)))
        stores = Written(parts.home, parts.states, parts.authors, parts.marks, parts.erased, parts.warm, parts.idle)
        pushes = pushing(settings, rows, redis, stores, peers.graph, tasks, parts.erasure, now=now)
        interests = interests_consumer(settings, parts.traces, parts.erased, peers)
        running = [*pushes, views_consumer(settings, parts.notes), interests]
        await server.work(settings, "fanout", checks={"cassandra": rows.check}, tasks=running)


async def rebuild(settings: FeedSettings, *, user: str) -> None:
    async with AsyncExitStack() as stack:
        rows, redis, hot, peers = await _opened(stack, settings)
        parts = Parts(settings, rows, redis, hot, hurried=False)
        rebuilding = Rebuild(parts.home, parts.warm, parts.idle, parts.marks, peers.posts, peers.graph, now=now)
        count = await rebuilding.whole(parse(user))
        sys.stdout.write(f"{count} rows\n")


def migrate(settings: MigrateSettings) -> None:
    cassandra.migrate(settings, MIGRATIONS)


async def _opened(stack: AsyncExitStack, settings: FeedSettings) -> tuple[Cassandra, Redis, HotRedis, Peers]:
    rows = await stack.enter_async_context(open_cassandra(settings))
    redis = await stack.enter_async_context(open_redis(settings))
    hot = await stack.enter_async_context(open_hot_redis(settings))
    graph = await stack.enter_async_context(
        channel(settings.graph_target, service="graph", caller="feed", tls=settings.tls_dir)
    )
    post = await stack.enter_async_context(
        channel(settings.post_target, service="post", caller="feed", tls=settings.tls_dir)
    )
    fragments = FragmentClient(FragmentServiceStub(Batcher(post, service="post").stubs), slow=FragmentServiceStub(post))
    return rows, redis, hot, Peers(GraphClient(GraphServiceStub(graph)), PostClient(PostServiceStub(post)), fragments)


if __name__ == "__main__":
    who = sys.argv[-1] if sys.argv[1:-1] == ["rebuild", "--user"] else "ID"
    main(
        "feed",
        {
            "serve": Command(ServeSettings, serve),
            "fanout": Command(FanoutSettings, fanout, "fanout"),
            "migrate": Command(MigrateSettings, migrate),
            f"rebuild --user {who}": Command(FeedSettings, partial(rebuild, user=who)),
        },
    )
