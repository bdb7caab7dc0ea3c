"""Media files: what may be read, for how long, and by whom it may be kept."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
from gateway_world import Client, Refused, World

DATA = bytes(range(256)) * 1000
Put = Callable[[str], None]


@pytest.fixture
def put(servers: dict[str, str], bucket: str, world: World) -> Put:
    """Puts DATA into the bucket that the gateway reads from."""
    client: Any = boto3.client(
        "s3",
        endpoint_url=servers["HELIOGRAPH_S3_ENDPOINT"],
        region_name=servers["HELIOGRAPH_S3_REGION"],
        aws_access_key_id=servers["HELIOGRAPH_S3_ACCESS_KEY"],
        aws_secret_access_key=servers["HELIOGRAPH_S3_SECRET_KEY"],
    )
    return lambda key: client.put_object(Bucket=bucket, Key=key, Body=DATA, ContentType="image/webp")


@pytest.fixture
async def reader(world: World, bucket: str) -> Client:
    app, _ = await world.gateway(s3_bucket=bucket)
    return await world.client(app)


async def test_a_public_file_is_everybodys(reader: Client, put: Put):
    put("public/k3y/1080.webp")
    response = await reader.get("/media/p/k3y/1080.webp")
    assert (response.status_code, response.content) == (200, DATA)
    headers = response.headers
    assert (headers["content-type"], headers["content-length"]) == ("image/webp", str(len(DATA)))
    assert headers["accept-ranges"] == "bytes"
    assert headers["x-content-type-options"] == "nosniff"


async def test_browsers_keep_a_public_file_but_the_edge_asks_again_within_a_minute(reader: Client, put: Put):
    put("public/k3y/1080.webp")
    directives = (await reader.get("/media/p/k3y/1080.webp")).headers["cache-control"].split(", ")
    assert directives == ["public", "max-age=31536000", "immutable", "s-maxage=60"]


async def test_what_is_there_already_is_not_sent_again(reader: Client, put: Put):
    put("public/k3y/1080.webp")
    tag = (await reader.get("/media/p/k3y/1080.webp")).headers["etag"]
    again = await reader.get("/media/p/k3y/1080.webp", headers={"If-None-Match": tag})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert "s-maxage=60" in again.headers["cache-control"]


@pytest.mark.parametrize(
    ("asked", "start", "end"), [("bytes=0-9", 0, 10), ("bytes=255990-", 255990, 256000), ("bytes=-5", 255995, 256000)]
)
async def test_a_part_of_a_file(reader: Client, put: Put, asked: str, start: int, end: int):
    put("public/k3y/1080.mp4")
    response = await reader.get("/media/p/k3y/1080.mp4", headers={"Range": asked})
    assert (response.status_code, response.content) == (206, DATA[start:end])
    assert response.headers["content-range"] == f"bytes {start}-{end - 1}/{len(DATA)}"


@pytest.mark.parametrize("asked", ["bytes=0-1,5-6", "lines=1-2", "x", "bytes=a-b", "bytes=5"])
async def test_a_range_that_is_none_gets_the_whole_file(reader: Client, put: Put, asked: str):
    put("public/k3y/1080.mp4")
    response = await reader.get("/media/p/k3y/1080.mp4", headers={"Range": asked})
    assert (response.status_code, len(response.content)) == (200, len(DATA))


async def test_a_range_behind_the_end_is_refused(reader: Client, put: Put, refused: Refused):
    put("public/k3y/1080.mp4")
    response = await reader.get("/media/p/k3y/1080.mp4", headers={"Range": "bytes=999999-"})
    refused(response, 416, "RANGE_NOT_SATISFIABLE")


async def test_head_tells_of_a_file_without_sending_it(reader: Client, put: Put):
    put("public/k3y/1080.webp")
    response = await reader.head("/media/p/k3y/1080.webp")
    assert (response.status_code, response.content) == (200, b"")
    assert response.headers["content-length"] == str(len(DATA))


@pytest.mark.parametrize(
    "path",
    [
        "k3y/none.webp",
        "k3y",
        "",
        "..%2foriginals/1/ab",
        "../originals/1/ab",
        "k3y/..%2f..%2foriginals",
        "k/.x",
        "k//x",
        "k/%00",
    ],
)
async def test_what_is_not_there_is_not_found(reader: Client, put: Put, refused: Refused, path: str):
    put("originals/1/ab")
    response = await reader.get(f"/media/p/{path}")
    assert response.status_code == 404
    assert response.headers["content-type"] == "application/problem+json"


async def test_a_signed_url_opens_a_private_file(world: World, put: Put, bucket: str):
    put("private/k3y/1080.webp")
    app, parts = await world.gateway(s3_bucket=bucket)
    url = urlsplit(parts.urls.url("private/k3y/1080.webp"))
    response = await (await world.client(app)).get(f"{url.path}?{url.query}")
    assert (response.status_code, response.content) == (200, DATA)
    kept, age = response.headers["cache-control"].split(", max-age=")
    assert kept == "private"
    assert 1800 <= int(age) <= 3600


@pytest.mark.parametrize(
    "change",
    [
        ("sig=", "sig=A"),
        ("exp=", "exp=9"),
        ("k3y/1080", "k3y/640"),
        ("/media/s/", "/media/p/"),
        ("exp=", "exp=-"),
        ("exp=", "exp=%D9%A3"),
        ("sig=", "sig=%FF"),
        ("sig=", "other="),
    ],
)
async def test_a_changed_signed_url_opens_nothing(world: World, put: Put, bucket: str, change: tuple[str, str]):
    for size in (640, 1080):
        put(f"private/k3y/{size}.webp")
    app, parts = await world.gateway(s3_bucket=bucket)
    url = parts.urls.url("private/k3y/1080.webp").removeprefix("http://media.test").replace(*change)
    assert (await (await world.client(app)).get(url)).status_code == 404


async def test_a_private_file_has_no_public_url(reader: Client, put: Put):
    put("private/k3y/1080.webp")
    for path in ("/media/p/k3y/1080.webp", "/media/s/k3y/1080.webp"):
        assert (await reader.get(path)).status_code == 404


async def test_while_storage_is_away_the_answer_is_come_back(world: World, refused: Refused):
    app, _ = await world.gateway(s3_endpoint="http://127.0.0.1:1")
    response = await (await world.client(app)).get("/media/p/k3y/1080.webp")
    refused(response, 503, "S3_UNAVAILABLE")
    assert response.headers["retry-after"] == "1"
