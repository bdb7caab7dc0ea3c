"""The post service: `python -m post_service serve | media | migrate`."""

import secrets
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from heliograph.post.v1 import post_pb2, post_pb2_grpc
from heliograph.post.v1.fragments_pb2_grpc import add_FragmentServiceServicer_to_server
from heliograph.post.v1.scan_pb2_grpc import add_ScanServiceServicer_to_server
from heliograph.privacy.v1.privacy_pb2_grpc import add_PersonalDataServiceServicer_to_server
from heliograph.upkeep.v1.upkeep_pb2_grpc import add_UpkeepServiceServicer_to_server
from kit import migrations, server
from kit.client import channel
from kit.consumer import Consumer
from kit.counters import Counters
from kit.hotredis import open_hot_redis
from kit.kafka import open_producer
from kit.many import Batcher
from kit.outbox import Outbox
from kit.postgres import Postgres, open_postgres
from kit.process import Command, main
from kit.redis import open_redis
from kit.s3 import open_bucket
from kit.settings import PostgresSettings
from kit.workspace import open_workspace
from rendering.media_urls import MediaUrls

from post_service import events
from post_service.callers import CALLERS
from post_service.clients import GraphClient, UserClient
from post_service.media.desk import Desk, new_turns
from post_service.media.sandbox import Sandbox
from post_service.media.worker import MediaWorker
from post_service.model.media import Kind
from post_service.rpc import fragments as fragments_rpc
from post_service.rpc import personal as personal_rpc
from post_service.rpc import upkeep as upkeep_rpc
from post_service.rpc.bodies import Bodies
from post_service.rpc.servicer import PostServicer
from post_service.service.comments import CommentService
from post_service.service.fragments import FragmentService
from post_service.service.like_groups import LikeGroups
from post_service.service.likes import LikeService
from post_service.service.lists import PostLists
from post_service.service.media import MediaService
from post_service.service.peers import Accounts, Graph
from post_service.service.personal import PersonalData
from post_service.service.posts import PostService
from post_service.service.reading import PostReader, renew
from post_service.service.sight import Sight
from post_service.service.tallies import Tallies
from post_service.service.upkeep import Recount
from post_service.settings import MediaSettings, PostSettings, RenderingSettings
from post_service.store.cache import PostCopies
from post_service.store.comments import CommentStore
from post_service.store.counts import CommentCountStore, PostCountStore
from post_service.store.likes import LikeStore
from post_service.store.media import MediaStore
from post_service.store.objects import Objects
from post_service.store.personal import PersonalRows
from post_service.store.posts import PostStore
from post_service.store.processing import ProcessingStore
from post_service.store.scan import Scan
from post_service.store.truth import Truth

NAME = post_pb2.DESCRIPTOR.services_by_name["PostService"].full_name


@dataclass(frozen=True)
class Wired:
    rpc: PostServicer
    fragments: FragmentService
    personal: PersonalData
    recount: Recount
    scan: Scan
    reader: PostReader
    tallies: Tallies
    postgres: Postgres
    tasks: tuple[server.Task, ...]


async def wire(
    stack: AsyncExitStack, settings: PostSettings, accounts: Accounts, graph: Graph, clock: Callable[[], datetime]
) -> Wired:
    """The calls and the tasks of `serve`, given the peers."""
    postgres = await stack.enter_async_context(open_postgres(settings))
    redis = await stack.enter_async_context(open_redis(settings))
    hot = await stack.enter_async_context(open_hot_redis(settings))
    producer = await stack.enter_async_context(open_producer(settings))
    bucket = await stack.enter_async_context(open_bucket(settings))
    outbox = Outbox(postgres, producer, source="post", topic_prefix=settings.topic_prefix)
    truth = Truth(postgres, outbox, events.encode)
    posts, likes, comments = PostStore(postgres), LikeStore(postgres), CommentStore(postgres)
    bodies = bodies_of(settings, clock)
    cache = PostCopies(redis, settings.post_cache_seconds, bodies.press, hot)
    objects = Objects(bucket, upload_seconds=settings.upload_expires_seconds, clock=clock)
    counted, replied = PostCountStore(postgres), CommentCountStore(postgres)
    counters = [
        Counters(redis, name, store.FIELDS, store.load, store.save, store.count, hot=hot)
        for name, store in (("post:counts", counted), ("post:comment-counts", replied))
    ]
    tallies, sight = Tallies(*counters), Sight(accounts, graph)
    reader = PostReader(posts, likes, cache, tallies, sight)
    like_groups = LikeGroups(truth, tallies)
    rpc = PostServicer(
        media=MediaService(truth, MediaStore(postgres), reader, objects, settings.upload_limits),
        posts=PostService(truth, posts, reader, accounts, sight),
        reader=reader,
        lists=PostLists(posts, reader, sight),
        likes=LikeService(like_groups, likes, reader, sight),
        comments=CommentService(truth, comments, reader, tallies, sight),
    )
    fragments = FragmentService(cache, bodies, posts, likes, comments, accounts, tallies, outbox.published)
    personal = PersonalData(truth, PersonalRows(postgres), comments, like_groups, reader, tallies, objects)
    counting = Consumer(
        settings, group="post.counters", topics=[events.ENGAGEMENT_TOPIC], handle=events.count_handler(tallies)
    )

    async def renew_for_certain(post_id: int) -> None:
        await reader.renew(post_id)
        await redis.ping()  # the cache says nothing of an outage; the event comes again until there is none

    renewing = Consumer(
        settings, group="post.cache", topics=[events.POST_TOPIC], handle=events.cache_handler(renew_for_certain)
    )
    erasing = Consumer(
        settings, group="post.erasures", topics=[events.USER_TOPIC], handle=events.erased_handler(personal.erase)
    )
    scan = Scan(postgres)
    recount = Recount([("posts", scan.post_ids, counters[0]), ("comments", scan.comment_ids, counters[1])])
    keeping = [task for counter in counters for task in (counter.run_flush, counter.run_reconcile)]
    return Wired(
        rpc,
        fragments,
        personal,
        recount,
        scan,
        reader,
        tallies,
        postgres,
        (outbox.run, counting.run, renewing.run, erasing.run, *keeping),
    )


async def serve(settings: PostSettings) -> None:
    async with AsyncExitStack() as stack:
        user = await stack.enter_async_context(
            channel(settings.user_target, service="user", caller="post", tls=settings.tls_dir)
        )
        graph = await stack.enter_async_context(
            channel(settings.graph_target, service="graph", caller="post", tls=settings.tls_dir)
        )
        wired = await wire(
            stack, settings, UserClient(user, profiles=Batcher(user, service="user").stubs), GraphClient(graph), now
        )
        await server.serve(
            settings,
            "post",
            register=[
                partial(post_pb2_grpc.add_PostServiceServicer_to_server, wired.rpc),
                partial(add_FragmentServiceServicer_to_server, fragments_rpc.FragmentRpc(wired.fragments)),
                partial(add_PersonalDataServiceServicer_to_server, personal_rpc.PersonalRpc(wired.personal)),
                partial(add_UpkeepServiceServicer_to_server, upkeep_rpc.UpkeepRpc(wired.recount)),
                partial(add_ScanServiceServicer_to_server, upkeep_rpc.ScanRpc(wired.scan.posts)),
            ],
            names=[NAME, fragments_rpc.NAME, personal_rpc.NAME, upkeep_rpc.UPKEEP, upkeep_rpc.SCAN],
            callers=CALLERS,
            checks={"postgres": wired.postgres.check},
            tasks=wired.tasks,
        )


async def media(settings: MediaSettings) -> None:
    async with AsyncExitStack() as stack:
        workspace = stack.enter_context(open_workspace(settings.media_folder))
        sandboxes = {kind: Sandbox(limits) for kind, limits in settings.job_limits.items()}
        for sandbox in sandboxes.values():
            stack.push_async_callback(sandbox.close)
        await sandboxes[Kind.IMAGE].warm()
        postgres = await stack.enter_async_context(open_postgres(settings))
        redis = await stack.enter_async_context(open_redis(settings))
        producer = await stack.enter_async_context(open_producer(settings))
        bucket = await stack.enter_async_context(open_bucket(settings))
        user = await stack.enter_async_context(
            channel(settings.user_target, service="user", caller="media", tls=settings.tls_dir)
        )
        outbox = Outbox(postgres, producer, source="post", topic_prefix=settings.topic_prefix)
        press = bodies_of(settings, now).press
        posts, cache = PostStore(postgres), PostCopies(redis, settings.post_cache_seconds, press)
        desk = Desk(
            truth=Truth(postgres, outbox, events.encode),
            media=MediaStore(postgres),
            posts=posts,
            progress=ProcessingStore(postgres),
            files=Objects(bucket, upload_seconds=0, clock=now),
            accounts=UserClient(user),
            renew=partial(renew, cache, posts),
            sandboxes=sandboxes,
            turns=new_turns(),
            workspace=workspace,
            random_key=random_key,
        )
        worker = MediaWorker(desk)
        consumer = Consumer(
            settings,
            group="post.media",
            topics=[events.POST_TOPIC, events.USER_TOPIC],
            handle=worker.handle,
            concurrency=settings.media_concurrency,
        )
        tasks = (consumer.run, worker.sweep, worker.measure, outbox.run)
        await server.work(settings, "media", checks={"postgres": postgres.check}, tasks=tasks)


def migrate(settings: PostgresSettings) -> None:
    migrations.migrate(settings.postgres_dsn.get_secret_value(), Path(__file__).parents[2] / "migrations")


def bodies_of(settings: RenderingSettings, clock: Callable[[], datetime]) -> Bodies:
    key = settings.media_url_key.get_secret_value().encode()
    return Bodies(MediaUrls(settings.media_base_url, key, lambda: clock().timestamp()))


def now() -> datetime:
    return datetime.now(UTC)


def random_key() -> str:
    """128 bits that nobody can guess."""
    return secrets.token_hex(16)


if __name__ == "__main__":
    main(
        "post",
        {
            "serve": Command(PostSettings, serve),
            "media": Command(MediaSettings, media, "media"),
            "migrate": Command(PostgresSettings, migrate),
        },
    )
