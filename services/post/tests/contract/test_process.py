"""`python -m post_service migrate | serve` as processes."""

import asyncio
import json
import os
import sys
from asyncio import subprocess
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from signal import SIGTERM

import pytest
from heliograph.post.v1 import post_pb2 as pb
from heliograph.post.v1.post_pb2_grpc import PostServiceStub
from kit import errors
from kit.client import channel
from kit.testing import MakeDatabase


async def start(command: str, **settings: str) -> subprocess.Process:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("HELIOGRAPH_")}
    named = {f"HELIOGRAPH_{name.upper()}": value for name, value in settings.items()}
    return await subprocess.create_subprocess_exec(
        *(sys.executable, "-m", "post_service", command),
        env={**clean, **named},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


async def finish(command: str, **settings: str) -> tuple[int | None, str]:
    process = await start(command, **settings)
    _, said = await process.communicate()
    return process.returncode, said.decode()


@asynccontextmanager
async def serving(**settings: str) -> AsyncGenerator[tuple[subprocess.Process, int]]:
    """The process and its port."""
    process = await start("serve", listen="127.0.0.1:0", **settings)
    assert process.stdout
    try:
        async with asyncio.timeout(60):
            async for line in process.stdout:
                if (said := json.loads(line))["event"] == "serving":
                    yield process, said["port"]
                    break
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_it_migrates_serves_without_its_peers_and_stops_when_told(
    make_database: MakeDatabase, servers: dict[str, str], redis_url: str, topic_prefix: str, bucket: str
) -> None:
    dsn = await make_database()
    for _ in range(2):
        assert (await finish("migrate", postgres_dsn=dsn))[0] == 0
    s3 = {name.removeprefix("HELIOGRAPH_").lower(): value for name, value in servers.items() if "_S3_" in name}
    places = {
        "postgres_dsn": dsn,
        "redis_url": redis_url,
        "kafka_bootstrap": servers["HELIOGRAPH_KAFKA_BOOTSTRAP"],
        "topic_prefix": topic_prefix,
        "s3_bucket": bucket,
        "user_target": "127.0.0.1:1",
        "graph_target": "127.0.0.1:1",
        "media_base_url": "http://media.test",
        "media_url_key": "m" * 32,
    }
    async with serving(**places, **s3) as (process, port):
        async with channel(f"127.0.0.1:{port}", service="post") as to_posts:
            posts = PostServiceStub(to_posts)
            assert not (await posts.BatchGetPosts(pb.BatchGetPostsRequest(ids=[1]))).posts
            with pytest.raises(errors.Unavailable) as away:
                await posts.ListAuthorPosts(pb.ListAuthorPostsRequest(author_id=1))
            assert away.value.reason == "USER_UNAVAILABLE"
        process.send_signal(SIGTERM)
        await process.communicate()
        assert process.returncode == 0


async def test_bad_settings_stop_it_with_one_line_each() -> None:
    status, said = await finish("media", postgres_dsn="postgresql://127.0.0.1:1/none", image_wall_seconds="-1")
    assert status == 78
    assert "HELIOGRAPH_IMAGE_WALL_SECONDS" in said
    assert "HELIOGRAPH_S3_BUCKET is missing" in said
