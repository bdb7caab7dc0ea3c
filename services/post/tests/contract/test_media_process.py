"""`python -m post_service media` as a process on real servers: killed in the middle and started again."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiokafka import AIOKafkaConsumer
from heliograph.user.v1 import user_pb2, user_pb2_grpc
from kit.server import Context, running
from kit.settings import ProcessSettings
from kit.testing import MakeTopics, eventually
from post_service.model.changes import MediaUploaded
from post_service.model.media import MediaState, Medium
from post_service.model.posts import Content
from post_service.model.visibility import Audience, PostState
from post_service.store import media as media_rows
from post_service.store import posts as rows

from services.post.tests.contract.conftest import MEDIA_KEY, MEDIA_URL, Studio, keys_in, photo

BEN = 11


class Users(user_pb2_grpc.UserServiceServicer):
    async def BatchGetProfiles(
        self, request: user_pb2.BatchGetProfilesRequest, context: Context
    ) -> user_pb2.BatchGetProfilesResponse:
        active = user_pb2.ACCOUNT_STATE_ACTIVE
        profiles = [user_pb2.Profile(id=user_id, username="ben", state=active) for user_id in request.ids]
        return user_pb2.BatchGetProfilesResponse(profiles=profiles)


@dataclass
class Workshop:
    studio: Studio
    environment: dict[str, str]
    running: list[asyncio.subprocess.Process] = field(default_factory=list[asyncio.subprocess.Process])

    async def start(self, **more: str) -> asyncio.subprocess.Process:
        environment = {**os.environ, **self.environment, **more}
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "post_service", "media", env=environment)
        self.running.append(process)
        return process

    async def again(self, medium: Medium) -> Medium:
        return await self.studio.again(medium)

    async def announce(self, medium: Medium) -> None:
        async with self.studio.desk.truth.transaction() as tx:
            await tx.emit(MediaUploaded(medium.id, medium.author_id))

    async def pending_post(self, medium: Medium) -> int:
        content = Content("", "", None, Audience.PUBLIC, comments_off=False)
        async with self.studio.desk.truth.transaction() as tx:
            await tx.lock_author(BEN)
            post_id = await rows.insert(tx.conn, BEN, f"p{medium.id}", b"", content, PostState.PENDING)
            await media_rows.attach(tx.conn, BEN, post_id, [medium.id])
        return post_id

    def is_in(self, medium: Medium, state: MediaState) -> "Callable[[], Awaitable[bool]]":
        async def check() -> bool:
            return (await self.again(medium)).state is state

        return check


@pytest_asyncio.fixture
async def workshop(
    studio: Studio,
    servers: dict[str, str],
    postgres_dsn: str,
    redis_url: str,
    bucket: str,
    topic_prefix: str,
    make_topics: MakeTopics,
    tmp_path: Path,
) -> AsyncGenerator[Workshop]:
    await make_topics("post.v1", "user.v1")
    studio.people.add(BEN, "ben")
    async with AsyncExitStack() as stack:
        users = await stack.enter_async_context(user_service())
        environment = {
            **servers,
            "HELIOGRAPH_POSTGRES_DSN": postgres_dsn,
            "HELIOGRAPH_REDIS_URL": redis_url,
            "HELIOGRAPH_S3_BUCKET": bucket,
            "HELIOGRAPH_TOPIC_PREFIX": topic_prefix,
            "HELIOGRAPH_USER_TARGET": users,
            "HELIOGRAPH_MEDIA_FOLDER": str(tmp_path / "work"),
            "HELIOGRAPH_MEDIA_BASE_URL": MEDIA_URL,
            "HELIOGRAPH_MEDIA_URL_KEY": MEDIA_KEY,
        }
        made = Workshop(studio, environment)
        yield made
        for process in made.running:
            if process.returncode is None:
                process.terminate()
                assert await asyncio.wait_for(process.wait(), 30) == 0


@asynccontextmanager
async def user_service() -> AsyncGenerator[str]:
    settings = ProcessSettings(listen="127.0.0.1:0", shutdown_grace_seconds=1)

    def register(server: object) -> None:
        user_pb2_grpc.add_UserServiceServicer_to_server(Users(), server)  # type: ignore[arg-type]

    async with running(settings, "user", register=[register], names=[]) as started:
        yield f"127.0.0.1:{started.port}"


async def types_in(servers: dict[str, str], topic: str) -> list[str]:
    """Of all events in the topic so far."""
    consumer: Any = AIOKafkaConsumer(
        topic, bootstrap_servers=servers["HELIOGRAPH_KAFKA_BOOTSTRAP"], auto_offset_reset="earliest", group_id=None
    )
    await consumer.start()
    try:
        found: list[str] = []
        while batch := await consumer.getmany(timeout_ms=1500):
            for records in batch.values():
                found.extend(dict(record.headers)["ce_type"].decode() for record in records)
        return [name.rsplit(".", 1)[-1] for name in found]
    finally:
        await consumer.stop()


async def test_a_worker_killed_in_the_middle_of_a_file_leaves_no_trace_of_that(
    workshop: Workshop, servers: dict[str, str], topic_prefix: str, tmp_path: Path
) -> None:
    studio = workshop.studio
    medium = await studio.upload(BEN, photo())
    post_id = await workshop.pending_post(medium)
    await workshop.announce(medium)
    first = await workshop.start(HELIOGRAPH_FAULT=f"media_mid_file:{tmp_path / 'died'}")
    assert await asyncio.wait_for(first.wait(), 60) == -signal.SIGKILL
    killed = await workshop.again(medium)
    assert killed.state is MediaState.RESIZING
    assert await keys_in(studio.bucket, "public/") == {f"{killed.place}/1080.webp"}

    await workshop.start(HELIOGRAPH_FAULT=f"media_mid_file:{tmp_path / 'died'}")
    await eventually(workshop.is_in(medium, MediaState.READY), timeout=60)
    done = await workshop.again(medium)
    assert done.place == killed.place
    wanted = {f"{done.place}/{variant.name}" for variant in done.variants} | {done.original_key}

    async def only_what_is_wanted() -> bool:
        return await keys_in(studio.bucket) == wanted

    await eventually(only_what_is_wanted, timeout=10)
    post = await studio.desk.posts.get(post_id)
    assert post is not None
    assert post.state is PostState.PUBLISHED

    async def nothing_to_relay() -> bool:
        return await studio.postgres.primary.fetchval("select count(*) from outbox") == 0

    await eventually(nothing_to_relay, timeout=10)
    names = await types_in(servers, f"{topic_prefix}post.v1")
    assert sorted(set(names)) == ["MediaProcessed", "MediaUploaded", "PostPublished"]
    assert names.count("PostPublished") == 1
    assert names.count("MediaProcessed") == 1


@pytest.mark.parametrize("megapixels", [12])
async def test_a_large_photo_is_ready_in_time(workshop: Workshop, megapixels: int) -> None:
    await workshop.start()
    await workshop.announce(warm := await workshop.studio.upload(BEN, photo()))
    await eventually(workshop.is_in(warm, MediaState.READY), timeout=60)
    medium = await workshop.studio.upload(BEN, photo(4000, megapixels * 250, seed=3))
    began = datetime.now(UTC)
    await workshop.announce(medium)
    await eventually(workshop.is_in(medium, MediaState.READY), timeout=60)
    assert (datetime.now(UTC) - began).total_seconds() < 5
