import hashlib
import secrets
from collections.abc import AsyncGenerator
from pathlib import Path

import httpx
import pytest
from kit.errors import Unavailable, from_exception
from kit.s3 import Bucket, open_bucket
from kit.settings import S3Settings
from kit.testing import MakeSettings

JPEG = "image/jpeg"


@pytest.fixture
def settings(make_settings: MakeSettings, bucket: str) -> S3Settings:
    return make_settings(S3Settings, s3_bucket=bucket)


@pytest.fixture
async def opened(settings: S3Settings) -> AsyncGenerator[Bucket]:
    async with open_bucket(settings) as bucket:
        yield bucket


async def put(url: str, content: bytes, headers: dict[str, str]) -> int:
    async with httpx.AsyncClient() as client:
        return (await client.put(url, content=content, headers=headers)).status_code


async def test_an_upload_as_announced_is_taken(opened: Bucket) -> None:
    upload = opened.presign_put("uploads/1", content_type=JPEG, bytes=5)
    assert await put(upload.url, b"12345", dict(upload.headers)) == 200
    entry = await opened.head("uploads/1")
    assert entry is not None
    assert (entry.bytes, entry.content_type) == (5, JPEG)


@pytest.mark.parametrize(("content", "content_type"), [(b"1234567", JPEG), (b"1234", JPEG), (b"12345", "text/html")])
async def test_another_size_or_type_is_refused(opened: Bucket, content: bytes, content_type: str) -> None:
    upload = opened.presign_put("uploads/1", content_type=JPEG, bytes=5)
    assert await put(upload.url, content, {"Content-Type": content_type}) == 403
    assert await opened.head("uploads/1") is None


async def test_an_upload_of_other_content_than_announced_is_refused(opened: Bucket) -> None:
    digest = hashlib.sha256(b"12345").hexdigest()
    upload = opened.presign_put("uploads/1", content_type=JPEG, bytes=5, sha256=digest)
    assert await put(upload.url, b"54321", dict(upload.headers)) == 400
    assert await put(upload.url, b"54321", {"Content-Type": JPEG}) == 403
    assert await put(upload.url, b"12345", dict(upload.headers)) == 200


async def test_an_upload_url_is_for_the_public_address(settings: S3Settings) -> None:
    public = settings.model_copy(update={"s3_public_endpoint": "https://uploads.example.org"})
    async with open_bucket(public) as bucket:
        upload = bucket.presign_put("uploads/1", content_type=JPEG, bytes=5)
    assert upload.url.startswith("https://uploads.example.org/")


async def test_files_go_in_and_out_whole(opened: Bucket, tmp_path: Path) -> None:
    content = secrets.token_bytes(700_000)
    source, target = tmp_path / "in", tmp_path / "out"
    source.write_bytes(content)
    await opened.put_file("a", source, content_type=JPEG, cache_control="max-age=60")
    assert await opened.get_to_file("a", target)
    assert target.read_bytes() == content
    assert await opened.sha256("a") == hashlib.sha256(content).hexdigest()
    assert b"".join([chunk async for chunk in opened.stream("a")]) == content


async def test_ranges_and_conditions_are_passed_on(opened: Bucket) -> None:
    await opened.put("a", b"0123456789", content_type=JPEG)
    part = await opened.open("a", byte_range="bytes=2-4")
    assert (part.status, part.headers["content-range"]) == (206, "bytes 2-4/10")
    assert b"".join([chunk async for chunk in part.chunks]) == b"234"
    assert (await opened.open("a", if_none_match=part.headers["etag"])).status == 304
    assert (await opened.open("a", byte_range="bytes=50-")).status == 416
    assert (await opened.open("none")).status == 404


@pytest.mark.parametrize("tag", ["\xff", '"\u2603"', "\x00", '"a"\r\nX-Other: b'])
async def test_a_tag_that_no_request_can_carry_is_none(opened: Bucket, tag: str) -> None:
    await opened.put("a", b"0123456789", content_type="text/plain")
    assert (await opened.open("a", if_none_match=tag)).status == 200


async def test_what_is_missing_is_no_error(opened: Bucket, tmp_path: Path) -> None:
    assert await opened.head("none") is None
    assert not await opened.get_to_file("none", tmp_path / "none")
    assert await opened.sha256("none") == ""
    await opened.delete("none")


async def test_objects_are_copied_listed_and_deleted(opened: Bucket) -> None:
    await opened.put("x/1", b"one", content_type=JPEG)
    await opened.copy("x/1", "x/2")
    await opened.put("y/1", b"other", content_type=JPEG)
    assert [(entry.key, entry.bytes) async for entry in opened.list("x/")] == [("x/1", 3), ("x/2", 3)]
    await opened.delete("x/1", "x/2")
    assert [entry.key async for entry in opened.list()] == ["y/1"]


async def test_an_outage_is_known_as_one(settings: S3Settings) -> None:
    async with open_bucket(settings.model_copy(update={"s3_endpoint": "http://127.0.0.1:1"})) as bucket:
        with pytest.raises(Exception) as caught:  # noqa: PT011 the driver's own class
            await bucket.head("a")
    assert isinstance(from_exception(caught.value), Unavailable)
