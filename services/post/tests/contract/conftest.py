"""The media worker on a real bucket and a real database."""

import hashlib
import io
import itertools
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest_asyncio
from heliograph.events.v1.post_events_pb2 import PostEvent
from kit.postgres import Postgres
from kit.s3 import Bucket, open_bucket
from kit.settings import S3Settings
from kit.testing import MakeSettings
from PIL import ExifTags, Image
from post_service.media.desk import Desk
from post_service.media.sandbox import Limits, Sandbox
from post_service.media.worker import MediaWorker
from post_service.media.workspace import open_workspace
from post_service.model.media import Announcement, Kind, Medium
from post_service.store import media as media_rows
from post_service.store.media import MediaStore
from post_service.store.objects import Objects
from post_service.store.posts import PostStore
from post_service.store.processing import ProcessingStore
from post_service.store.truth import Truth

from services.post.tests.conftest import People

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
    """A worker with what surrounds it. `forgotten` are the posts it dropped from the cache."""

    worker: MediaWorker
    desk: Desk
    bucket: Bucket
    people: People
    postgres: Postgres
    forgotten: list[int] = field(default_factory=list[int])
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
    forgotten: list[int] = []

    async def forget(post_id: int) -> None:
        forgotten.append(post_id)

    with open_workspace(tmp_path) as workspace:
        desk = Desk(
            truth=truth,
            media=MediaStore(postgres),
            posts=PostStore(postgres),
            progress=ProcessingStore(postgres),
            files=Objects(open_s3, upload_seconds=60, clock=lambda: datetime.now(UTC)),
            accounts=people,
            forget=forget,
            sandboxes=sandboxes,
            workspace=workspace,
            random_key=lambda: f"key{next(numbers)}",
        )
        yield Studio(MediaWorker(desk), desk, open_s3, people, postgres, forgotten)
    for sandbox in sandboxes.values():
        await sandbox.close()
