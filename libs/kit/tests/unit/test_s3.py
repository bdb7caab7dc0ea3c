"""What a storage that answers badly looks like from outside."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from kit.errors import Unavailable, from_exception
from kit.s3 import Bucket, open_bucket
from kit.settings import S3Settings
from pydantic import SecretStr

BUSY = b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
FORBIDDEN = b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
BROKEN_OFF = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nonly the beginning"
SIZED = b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\nETag: "a"\r\nConnection: close\r\n\r\n'


@asynccontextmanager
async def storage(*, get: bytes = BUSY, head: bytes = BUSY, put: bytes = BUSY) -> AsyncGenerator[Bucket]:
    """A bucket in a storage that has one answer to each method."""
    answers = {b"GET": get, b"HEAD": head, b"PUT": put}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked = await reader.readuntil(b"\r\n\r\n")
        writer.write(answers[asked.partition(b" ")[0]])
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        settings = S3Settings(
            s3_endpoint=f"http://127.0.0.1:{port}",
            s3_bucket="media",
            s3_region="us-east-1",
            s3_access_key=SecretStr("key"),
            s3_secret_key=SecretStr("secret"),
        )
        async with open_bucket(settings) as bucket:
            yield bucket


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(b"content")
    return path


async def test_a_file_that_storage_has_no_time_for_is_an_outage(file: Path) -> None:
    async with storage() as bucket:
        with pytest.raises(Unavailable):
            await bucket.put_file("a", file, content_type="image/jpeg")


async def test_a_file_that_storage_refuses_is_none(file: Path) -> None:
    async with storage(put=FORBIDDEN) as bucket:
        with pytest.raises(Exception) as caught:  # noqa: PT011 the driver's own class
            await bucket.put_file("a", file, content_type="image/jpeg")
    assert from_exception(caught.value) is None


async def test_a_download_that_breaks_off_again_and_again_is_an_outage(tmp_path: Path) -> None:
    async with storage(head=SIZED, get=BROKEN_OFF) as bucket:
        with pytest.raises(Unavailable):
            await bucket.get_to_file("a", tmp_path / "target")


async def test_a_stream_that_breaks_off_is_an_outage() -> None:
    async with storage(get=BROKEN_OFF) as bucket:
        with pytest.raises(Exception) as caught:  # noqa: PT011 the driver's own class
            await bucket.sha256("a")
    assert isinstance(from_exception(caught.value), Unavailable)
