"""One's own picture by REST: streamed to storage, made by the user service."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from gateway_world import ADA, Client, Refused, World
from heliograph.user.v1 import settings_pb2 as pb
from heliograph.user.v1 import user_pb2
from kit.errors import InvalidArgument, ResourceExhausted
from kit.s3 import Bucket

PHOTO = b"\xff\xd8\xff" + bytes(range(256)) * 12_000  # 3 MB
LARGEST = 10 << 20
URL = "/v1/me/avatar"
JPEG = {"Content-Type": "image/jpeg"}


@pytest_asyncio.fixture
async def painter(world: World, bucket: str) -> tuple[Client, Bucket]:
    """A client of Ada's, and the bucket behind the gateway."""
    profile = world.profile(ADA, "ada", avatar_key="public/k3y")
    made = pb.SetAvatarResponse(account=user_pb2.Account(profile=profile, email="ada@example.org", etag="7"))
    world.avatars.answer("SetAvatar", made)
    app, parts = await world.gateway(s3_bucket=bucket)
    return await world.client(app, world.token()), parts.bucket


def asked(world: World) -> pb.SetAvatarRequest:
    (request,) = world.avatars.asked(pb.SetAvatarRequest)
    return request


async def test_a_picture_goes_to_storage_and_the_account_is_answered(
    painter: tuple[Client, Bucket], world: World, tmp_path: Path
):
    client, bucket = painter
    response = await client.put(URL, content=PHOTO, headers=JPEG)
    assert response.status_code == 200, response.text
    assert response.json()["avatar_url"] == "http://media.test/media/p/k3y/320.jpg"
    assert response.headers["etag"].startswith('"7-')
    request = asked(world)
    assert request.viewer_id == ADA
    assert request.upload_key.startswith(f"avatars/uploads/{ADA}/")
    assert (request.focal_x, request.focal_y) == (0.5, 0.5)
    assert await bucket.get_to_file(request.upload_key, tmp_path / "stored")
    assert (tmp_path / "stored").read_bytes() == PHOTO


async def test_a_form_with_the_file_does_as_well(painter: tuple[Client, Bucket], world: World, tmp_path: Path):
    client, bucket = painter
    fields = {"focal_x": "0.25", "focal_y": "1"}
    response = await client.put(URL, files={"file": ("me.png", PHOTO, "image/png")}, data=fields)
    assert response.status_code == 200, response.text
    request = asked(world)
    assert (request.focal_x, request.focal_y) == (0.25, 1)
    assert await bucket.get_to_file(request.upload_key, tmp_path / "stored")
    assert (tmp_path / "stored").read_bytes() == PHOTO


async def test_a_focal_point_of_a_plain_body_is_in_the_query(painter: tuple[Client, Bucket], world: World):
    await painter[0].put(f"{URL}?focal_x=0&focal_y=0.75", content=PHOTO, headers=JPEG)
    assert (asked(world).focal_x, asked(world).focal_y) == (0, 0.75)


@pytest.mark.parametrize("query", ["focal_x=2", "focal_y=-1", "focal_x=nan", "focal_x=left"])
async def test_a_focal_point_outside_is_refused(
    painter: tuple[Client, Bucket], world: World, refused: Refused, query: str
):
    refused(await painter[0].put(f"{URL}?{query}", content=PHOTO, headers=JPEG), 422, "INVALID_FIELD")
    name, _, value = query.partition("=")
    response = await painter[0].put(URL, files={"file": ("x", PHOTO)}, data={name: value})
    assert refused(response, 422, "INVALID_FIELD")["errors"][0]["pointer"] == f"/{name}"
    assert not world.avatars.asked(pb.SetAvatarRequest)


@pytest.mark.parametrize("content_type", ["application/json", "video/mp4", "image/svg+xml", ""])
async def test_other_kinds_of_bodies_are_unsupported(
    painter: tuple[Client, Bucket], refused: Refused, content_type: str
):
    headers = {"Content-Type": content_type}
    refused(await painter[0].put(URL, content=b"{}", headers=headers), 415, "UNSUPPORTED_MEDIA_TYPE")


async def test_the_largest_picture_is_taken_and_one_byte_more_is_not(
    painter: tuple[Client, Bucket], world: World, refused: Refused
):
    client, _ = painter
    assert (await client.put(URL, content=bytes(LARGEST), headers=JPEG)).status_code == 200
    refused(await client.put(URL, content=bytes(LARGEST + 1), headers=JPEG), 413, "BODY_TOO_LARGE")
    refused(await client.put(URL, files={"file": ("x", bytes(LARGEST + 1))}), 413, "BODY_TOO_LARGE")
    assert len(world.avatars.asked(pb.SetAvatarRequest)) == 1


async def test_a_picture_that_grows_too_large_is_cut_off(painter: tuple[Client, Bucket], refused: Refused):
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while sent < 1 << 30:
            sent += 1 << 16
            yield b"x" * (1 << 16)

    refused(await painter[0].put(URL, content=endless(), headers=JPEG), 413, "BODY_TOO_LARGE")
    assert sent < 40 << 20  # a little is read on, so that the sender hears the answer


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (InvalidArgument("NOT_AN_IMAGE", "no picture"), 422),
        (InvalidArgument("TOO_MANY_PIXELS", "too many"), 422),
        (ResourceExhausted("AVATAR_IN_PROGRESS", "another", retry_after=1), 429),
    ],
)
async def test_what_the_service_says_is_told(
    painter: tuple[Client, Bucket], world: World, refused: Refused, error: InvalidArgument, status: int
):
    world.avatars.answer("SetAvatar", error)
    refused(await painter[0].put(URL, content=PHOTO, headers=JPEG), status, error.reason)


async def test_an_account_may_change_its_picture_so_often(world: World, bucket: str, refused: Refused):
    app, _ = await world.gateway(s3_bucket=bucket, rate_limits="avatar.user=2/3600")
    client = await world.client(app, world.token())
    # Twice as often at most, should Redis be too slow meanwhile and the instance count alone.
    answers = [await client.put(URL, content=b"x", headers=JPEG) for _ in range(5)]
    assert [answer.status_code for answer in answers[:2]] == [200, 200]
    refused(answers[-1], 429, "RATE_LIMITED")
    assert (await client.get("/v1/me")).status_code == 200


async def test_removing_is_idempotent(ada: Client, world: World):
    for _ in range(2):
        assert (await ada.delete(URL)).status_code == 204
    assert [request.viewer_id for request in world.avatars.asked(pb.RemoveAvatarRequest)] == [ADA, ADA]


async def test_a_picture_needs_a_token_that_may_write(anonymous: Client, world: World, refused: Refused):
    refused(await anonymous.put(URL, content=PHOTO, headers=JPEG), 401, "AUTHENTICATION_REQUIRED")
    refused(await anonymous.delete(URL), 401, "AUTHENTICATION_REQUIRED")
    app, _ = await world.gateway()
    reader = await world.client(app, world.token(scope="read"))
    refused(await reader.put(URL, content=PHOTO, headers=JPEG), 403, "INSUFFICIENT_SCOPE")


async def test_while_storage_is_away_nothing_is_made(world: World, refused: Refused):
    app, _ = await world.gateway(s3_endpoint="http://127.0.0.1:1")
    client = await world.client(app, world.token())
    refused(await client.put(URL, content=b"x", headers=JPEG), 503, "S3_UNAVAILABLE")
    assert not world.avatars.asked(pb.SetAvatarRequest)
