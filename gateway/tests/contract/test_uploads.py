"""One multipart request instead of three: read as it comes, stored once."""

import hashlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
import pytest_asyncio
from gateway_world import Client, Refused, World
from heliograph.post.v1 import post_pb2
from kit.errors import Unavailable

PHOTO = b"\xff\xd8\xff" + bytes(range(256)) * 40_000  # 10 MB
FILE = {"file": ("hill.jpg", PHOTO, "image/jpeg")}
TYPE = {"Content-Type": "multipart/form-data; boundary=b"}


@dataclass
class Uploads:
    """The post service's part: what was announced, and what came into the bucket."""

    client: Client
    stored: Callable[[int], bytes]


@pytest_asyncio.fixture
async def uploads(world: World, servers: dict[str, str], bucket: str) -> Uploads:
    s3: Any = boto3.client(
        "s3",
        endpoint_url=servers["HELIOGRAPH_S3_ENDPOINT"],
        region_name=servers["HELIOGRAPH_S3_REGION"],
        aws_access_key_id=servers["HELIOGRAPH_S3_ACCESS_KEY"],
        aws_secret_access_key=servers["HELIOGRAPH_S3_SECRET_KEY"],
    )
    made: list[str] = []

    def create(request: post_pb2.CreateMediaRequest) -> post_pb2.CreateMediaResponse:
        if request.request_id not in made:
            made.append(request.request_id)
        number = made.index(request.request_id) + 1
        media = post_pb2.Media(id=number, kind=request.kind, state=post_pb2.MEDIA_STATE_WAITING)
        url = f"http://elsewhere.test/{bucket}/uploads/{number}?X-Amz-Signature=ab"
        return post_pb2.CreateMediaResponse(media=media, upload=post_pb2.Upload(method="PUT", url=url))

    def complete(request: post_pb2.CompleteMediaRequest) -> post_pb2.CompleteMediaResponse:
        media = post_pb2.Media(id=request.media_id, kind=post_pb2.MEDIA_KIND_IMAGE, state=post_pb2.MEDIA_STATE_CHECKING)
        return post_pb2.CompleteMediaResponse(media=media)

    world.post.answer("CreateMedia", create)
    world.post.answer("CompleteMedia", complete)
    app, _ = await world.gateway(s3_bucket=bucket, max_upload_bytes=20 << 20)
    client = await world.client(app, world.token())
    return Uploads(client, lambda number: s3.get_object(Bucket=bucket, Key=f"uploads/{number}")["Body"].read())


async def test_a_file_is_announced_stored_and_completed(uploads: Uploads, world: World):
    response = await uploads.client.post("/v1/media/upload", files=FILE, data={"alt_text": "A hill"})
    assert response.status_code == 201, response.text
    assert (response.json()["id"], response.json()["state"]) == ("1", "checking")
    asked = world.post.asked(post_pb2.CreateMediaRequest)[0]
    assert (asked.kind, asked.content_type, asked.alt_text) == (post_pb2.MEDIA_KIND_IMAGE, "image/jpeg", "A hill")
    assert (asked.bytes, asked.sha256) == (len(PHOTO), hashlib.sha256(PHOTO).hexdigest())
    assert uploads.stored(1) == PHOTO
    assert world.post.asked(post_pb2.CompleteMediaRequest)[0].media_id == 1


@pytest.mark.parametrize(
    ("content_type", "kind"), [("video/mp4", "VIDEO"), ("image/png", "IMAGE"), ("text/x", "IMAGE")]
)
async def test_the_kind_follows_from_the_type(uploads: Uploads, world: World, content_type: str, kind: str):
    await uploads.client.post("/v1/media/upload", files={"file": ("x", b"x", content_type)})
    asked = world.post.asked(post_pb2.CreateMediaRequest)[0]
    assert post_pb2.MediaKind.Name(asked.kind) == f"MEDIA_KIND_{kind}"


async def test_an_empty_file_is_the_services_to_judge(uploads: Uploads, world: World):
    await uploads.client.post("/v1/media/upload", files={"file": ("x", b"", "image/png")})
    assert world.post.asked(post_pb2.CreateMediaRequest)[0].bytes == 0


async def test_the_same_key_stores_once_whatever_the_boundary(uploads: Uploads, world: World, refused: Refused):
    key = {"Idempotency-Key": "k"}
    first, second = [await uploads.client.post("/v1/media/upload", files=FILE, headers=key) for _ in range(2)]
    assert first.content == second.content
    assert second.headers["idempotency-replayed"] == "true"
    assert len(world.post.asked(post_pb2.CreateMediaRequest)) == 1
    other = {"file": ("hill.jpg", PHOTO + b"x", "image/jpeg")}
    refused(await uploads.client.post("/v1/media/upload", files=other, headers=key), 422, "IDEMPOTENCY_KEY_REUSED")


async def test_a_repeat_after_a_failure_is_the_same_medium(uploads: Uploads, world: World, refused: Refused):
    key = {"Idempotency-Key": "k"}
    world.post.answer("CompleteMedia", Unavailable("POSTGRES_UNAVAILABLE", "down"))
    refused(await uploads.client.post("/v1/media/upload", files=FILE, headers=key), 503, "POSTGRES_UNAVAILABLE")
    await uploads.client.post("/v1/media/upload", files=FILE, headers=key)
    first, second = world.post.asked(post_pb2.CreateMediaRequest)
    assert first.request_id == second.request_id


async def test_an_upload_that_grows_too_large_is_cut_off(uploads: Uploads, world: World, refused: Refused):
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="x"\r\n\r\n'
        while sent < 1 << 30:
            sent += 1 << 16
            yield b"x" * (1 << 16)

    refused(await uploads.client.post("/v1/media/upload", content=endless(), headers=TYPE), 413, "BODY_TOO_LARGE")
    assert sent < 40 << 20  # a little is read on, so that the sender hears the answer
    assert not world.post.asked(post_pb2.CreateMediaRequest)


async def test_another_content_type_is_unsupported(uploads: Uploads, refused: Refused):
    refused(await uploads.client.post("/v1/media/upload", json={}), 415, "UNSUPPORTED_MEDIA_TYPE")
    missing = {"Content-Type": "multipart/form-data"}
    refused(await uploads.client.post("/v1/media/upload", content=b"", headers=missing), 415, "UNSUPPORTED_MEDIA_TYPE")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"garbage",
        b"--b\r\n",
        b'--b\r\nContent-Disposition: form-data; name="file"\r\n\r\nhalf',
        b'--other\r\nContent-Disposition: form-data; name="file"\r\n\r\nx\r\n--other--\r\n',
    ],
)
async def test_a_broken_form_is_a_bad_request(uploads: Uploads, refused: Refused, body: bytes):
    refused(await uploads.client.post("/v1/media/upload", content=body, headers=TYPE), 400, "BAD_FORM")


@pytest.mark.parametrize(
    ("fields", "pointer"),
    [
        ({"kind": "song"}, "/kind"),
        ({"extra": "x"}, "/extra"),
        ({"alt_text": "a\x00b"}, "/alt_text"),
        ({"alt_text": "x" * 20_000}, "/alt_text"),
    ],
)
async def test_a_bad_field_of_a_form_is_pointed_to(
    uploads: Uploads, refused: Refused, fields: dict[str, str], pointer: str
):
    response = await uploads.client.post("/v1/media/upload", data=fields, files={"file": ("x", b"x", "image/png")})
    problem = refused(response, 422, "INVALID_FIELD")
    assert [fault["pointer"] for fault in problem["errors"]] == [pointer]


async def test_a_form_without_a_file_or_with_two_is_refused(uploads: Uploads, refused: Refused):
    none = await uploads.client.post("/v1/media/upload", files={"alt_text": (None, "x")})
    two = await uploads.client.post("/v1/media/upload", files=[("file", ("a", b"a")), ("file", ("b", b"b"))])
    for response in (none, two):
        assert refused(response, 422, "INVALID_FIELD")["errors"][0]["pointer"] == "/file"


async def test_uploading_needs_a_token(anonymous: Client, refused: Refused):
    refused(await anonymous.post("/v1/media/upload", files=FILE), 401, "AUTHENTICATION_REQUIRED")


async def test_while_storage_is_away_nothing_is_completed(world: World, uploads: Uploads, refused: Refused):
    app, _ = await world.gateway(s3_endpoint="http://127.0.0.1:1")
    client = await world.client(app, world.token())
    small = {"file": ("x", b"x", "image/png")}
    refused(await client.post("/v1/media/upload", files=small), 503, "S3_UNAVAILABLE")
    assert not world.post.asked(post_pb2.CompleteMediaRequest)


async def test_a_form_of_many_fields_is_refused_before_they_are_all_there(uploads: Uploads, refused: Refused):
    fields = {f"f{number}": "x" * 1000 for number in range(50)}
    response = await uploads.client.post("/v1/media/upload", data=fields, files=FILE)
    assert refused(response, 422, "INVALID_FIELD")["errors"][0]["pointer"] == "/f16"
