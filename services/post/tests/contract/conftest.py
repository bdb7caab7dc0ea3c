"""The media worker and the calls, on real stores."""

import hashlib
import io
import itertools
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from heliograph.events.v1.post_events_pb2 import PostEdited, PostEvent, PostSnapshot
from heliograph.post.v1 import post_pb2 as pb
from heliograph.post.v1.fragments_pb2_grpc import FragmentServiceStub, add_FragmentServiceServicer_to_server
from heliograph.post.v1.post_pb2_grpc import PostServiceStub, add_PostServiceServicer_to_server
from kit.consumer import Delivery
from kit.postgres import Postgres
from kit.s3 import Bucket, open_bucket
from kit.sandbox import Limits
from kit.settings import S3Settings
from kit.testing import MakeSettings, Rpc
from kit.workspace import open_workspace
from PIL import ExifTags, Image
from post_service.__main__ import Wired, wire
from post_service.events import cache_handler, count_handler
from post_service.media.desk import Desk, new_turns
from post_service.media.sandbox import Sandbox
from post_service.media.worker import MediaWorker
from post_service.model.changes import LikeChanged
from post_service.model.media import Announcement, Kind, Medium
from post_service.rpc.fragments import FragmentRpc
from post_service.service.tallies import Tallies
from post_service.settings import PostSettings
from post_service.store import likes as like_rows
from post_service.store import media as media_rows
from post_service.store.media import MediaStore
from post_service.store.objects import Objects
from post_service.store.posts import PostStore
from post_service.store.processing import ProcessingStore
from post_service.store.truth import Truth

from services.post.tests.conftest import People

MEDIA_URL, MEDIA_KEY = "http://media.test", "m" * 32
Renew = Callable[[int], Awaitable[None]]
ROOMY = Limits(memory_bytes=2 << 30, cpu_seconds=60, wall_seconds=60)


def photo(width: int = 1600, height: int = 1200, *, seed: int = 1) -> bytes:
    """A JPEG with a position and an orientation in its EXIF."""
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = 6
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitude] = (52.0, float(seed), 0.0)
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(out, "JPEG", exif=exif)
    return out.getvalue()


async def keys_in(bucket: Bucket, prefix: str = "") -> set[str]:
    return {entry.key async for entry in bucket.list(prefix)}


@dataclass
class Studio:
    """A worker with what surrounds it. `renewed` are the posts it wrote to the cache."""

    worker: MediaWorker
    desk: Desk
    bucket: Bucket
    people: People
    postgres: Postgres
    renewed: list[int]
    renew_too: list[Renew]
    requests: "itertools.count[int]" = field(default_factory=itertools.count)

    async def upload(self, author_id: int, data: bytes, *, kind: Kind = Kind.IMAGE, sha256: str = "") -> Medium:
        """A medium whose upload is complete; with another digest when one is given."""
        content_type = "image/jpeg" if kind is Kind.IMAGE else "video/mp4"
        digest = sha256 or hashlib.sha256(data).hexdigest()
        asked = Announcement(kind, content_type, len(data), digest, "")
        medium = await self.desk.media.reserve(author_id, f"r{next(self.requests)}", asked)
        await self.bucket.put(medium.upload_key, data, content_type=content_type)
        async with self.desk.truth.transaction() as tx:
            assert await media_rows.mark_uploaded(tx.conn, author_id, medium.id)
        return await self.again(medium)

    async def again(self, medium: Medium) -> Medium:
        found = await self.desk.media.get(medium.author_id, medium.id)
        assert found is not None
        return found

    async def work(self, medium: Medium) -> Medium:
        await self.worker.advance(medium.author_id, medium.id)
        return await self.again(medium)

    async def events(self) -> list[PostEvent]:
        """All that was emitted so far, in order."""
        rows = await self.postgres.primary.fetch("select payload from outbox where topic = 'post.v1' order by id")
        return [PostEvent.FromString(row["payload"]) for row in rows]

    async def event_names(self) -> list[str | None]:
        return [event.WhichOneof("event") for event in await self.events()]


@pytest_asyncio.fixture
async def open_s3(make_settings: MakeSettings, bucket: str) -> AsyncGenerator[Bucket]:
    async with open_bucket(make_settings(S3Settings, s3_bucket=bucket)) as opened:
        yield opened


@pytest_asyncio.fixture
async def studio(
    truth: Truth, postgres: Postgres, people: People, open_s3: Bucket, tmp_path: Path
) -> AsyncGenerator[Studio]:
    sandboxes = {kind: Sandbox(ROOMY) for kind in Kind}
    numbers = itertools.count()
    renewed: list[int] = []
    renew_too: list[Renew] = []

    async def renew(post_id: int) -> None:
        renewed.append(post_id)
        for each in renew_too:
            await each(post_id)

    with open_workspace(tmp_path) as workspace:
        desk = Desk(
            truth=truth,
            media=MediaStore(postgres),
            posts=PostStore(postgres),
            progress=ProcessingStore(postgres),
            files=Objects(open_s3, upload_seconds=60, clock=lambda: datetime.now(UTC)),
            accounts=people,
            renew=renew,
            sandboxes=sandboxes,
            turns=new_turns(),
            workspace=workspace,
            random_key=lambda: f"key{next(numbers)}",
        )
        yield Studio(MediaWorker(desk), desk, open_s3, people, postgres, renewed, renew_too)
    for sandbox in sandboxes.values():
        await sandbox.close()


@dataclass
class Service:
    """The calls, with a worker beside them that works when told to."""

    stub: PostServiceStub
    fragments: FragmentServiceStub
    studio: Studio
    people: People
    wired: Wired
    tallies: Tallies

    async def announce(self, viewer: int, data: bytes) -> pb.CreateMediaResponse:
        asked = pb.CreateMediaRequest(
            viewer_id=viewer,
            kind=pb.MEDIA_KIND_IMAGE,
            content_type="image/jpeg",
            bytes=len(data),
            sha256=hashlib.sha256(data).hexdigest(),
        )
        return await self.stub.CreateMedia(asked)

    async def put(self, upload: pb.Upload, data: bytes) -> None:
        """As a client does."""
        async with httpx.AsyncClient() as client:
            answer = await client.request(upload.method, upload.url, headers=dict(upload.headers), content=data)
        assert answer.is_success, answer.text

    async def ready_medium(self, viewer: int, data: bytes | None = None) -> int:
        medium = await self.studio.upload(viewer, data or photo(seed=next(self.studio.requests)))
        await self.studio.work(medium)
        return medium.id

    async def post(self, viewer: int, media_ids: Sequence[int], **fields: Any) -> pb.Post:
        return (await self.stub.CreatePost(pb.CreatePostRequest(viewer_id=viewer, media_ids=media_ids, **fields))).post

    async def published(self, viewer: int, **fields: Any) -> pb.Post:
        """A post of one photo, which the worker has put where it belongs."""
        media_id = await self.ready_medium(viewer)
        post = await self.post(viewer, [media_id], **fields)
        await self.studio.worker.advance(viewer, media_id)
        return await self.get(viewer, post.id)

    async def get(self, viewer: int, post_id: int) -> pb.Post:
        return (await self.stub.GetPost(pb.GetPostRequest(viewer_id=viewer, post_id=post_id))).post

    async def batch(self, viewer: int, ids: Sequence[int]) -> list[int]:
        answer = await self.stub.BatchGetPosts(pb.BatchGetPostsRequest(viewer_id=viewer, ids=ids))
        return [post.id for post in answer.posts]

    async def seen_by(self, viewer: int, post_id: int) -> bool:
        return bool(await self.batch(viewer, [post_id]))

    async def counts(self, author: int) -> int:
        answer = await self.stub.BatchGetPostCounts(pb.BatchGetPostCountsRequest(author_ids=[author]))
        return answer.posts[author]

    async def hear_engagement(self) -> None:
        """The consumer gets every event of likes and comments that was emitted so far."""
        query = "select payload from outbox where topic = 'engagement.v1' order by id"
        for row in await self.studio.postgres.primary.fetch(query):
            await count_handler(self.tallies)(_delivery(row["payload"]))

    async def hear_edit(self, post_id: int) -> None:
        event = PostEvent(post_edited=PostEdited(post=PostSnapshot(post_id=post_id)))
        await cache_handler(self.wired.reader.renew)(_delivery(event.SerializeToString()))

    async def like_behind_its_back(self, user_id: int, post_id: int) -> None:
        """Commits a like and its event, and dies before counting it."""
        async with self.studio.desk.truth.transaction() as tx:
            change_id, at = (await like_rows.add(tx.conn, post_id, [user_id]))[user_id]
            await tx.emit(LikeChanged(True, post_id, 0, user_id, at, change_id))


def _delivery(value: bytes) -> Delivery:
    return Delivery("", 0, 0, "", "", "", datetime.now(UTC), value)


MakePostSettings = Callable[..., PostSettings]
Door = tuple[PostServiceStub, FragmentServiceStub]
MakeAnother = Callable[..., Awaitable[tuple[Wired, Door]]]


@pytest.fixture
def post_settings(
    make_settings: MakeSettings, postgres_dsn: str, redis_url: str, bucket: str, topic_prefix: str
) -> MakePostSettings:
    """`serve`'s settings on this test's stores; `changed` go over them."""

    def make(**changed: Any) -> PostSettings:
        usual = {
            "postgres_dsn": postgres_dsn,
            "redis_url": redis_url,
            "s3_bucket": bucket,
            "topic_prefix": topic_prefix,
            "user_target": "127.0.0.1:1",
            "graph_target": "127.0.0.1:1",
            "media_base_url": MEDIA_URL,
            "media_url_key": MEDIA_KEY,
        }
        return make_settings(PostSettings, **(usual | changed))

    return make


@pytest_asyncio.fixture
async def another(people: People, rpc: Rpc, post_settings: MakePostSettings) -> AsyncGenerator[MakeAnother]:
    """Makes one more `serve` beside the others, as another process has it: on the same stores, with its own caches."""
    async with AsyncExitStack() as stack:

        async def make(**changed: Any) -> tuple[Wired, Door]:
            wired = await wire(stack, post_settings(**changed), people, people, lambda: datetime.now(UTC))
            channel = await rpc(
                partial(add_PostServiceServicer_to_server, wired.rpc),
                partial(add_FragmentServiceServicer_to_server, FragmentRpc(wired.fragments)),
            )
            return wired, (PostServiceStub(channel), FragmentServiceStub(channel))

        yield make


@pytest_asyncio.fixture
async def service(studio: Studio, people: People, another: MakeAnother) -> Service:
    wired, (stub, fragments) = await another()
    studio.renew_too.append(wired.reader.renew)
    return Service(stub, fragments, studio, people, wired, wired.tallies)
