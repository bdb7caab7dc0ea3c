import asyncio
import io
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from grpc.aio import Channel
from heliograph.events.v1.user_events_pb2 import UserEvent
from heliograph.user.v1 import settings_pb2 as pb
from heliograph.user.v1 import user_pb2
from heliograph.user.v1.settings_pb2_grpc import AvatarServiceStub
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit import faults
from kit.errors import InvalidArgument, NotFound, ResourceExhausted, Unavailable
from kit.postgres import Postgres
from kit.s3 import Bucket
from kit.tasks import background
from kit.testing import MakeTopics, eventually
from PIL import Image
from user_service.model.accounts import AccountState
from user_service.model.avatars import MAX_BYTES, Focus, withheld
from user_service.model.security import Device, Kind
from user_service.settings import UserSettings
from user_service.wiring.avatars import following_states
from user_service.wiring.base import Base, open_base

from .conftest import Clock, Register

NAMES = {f"{edge}.{kind}" for edge in (640, 320, 150) for kind in ("webp", "jpg")}
AT_ONCE = timedelta(0)
ACTIVE, SUSPENDED = AccountState.ACTIVE, AccountState.SUSPENDED


def photo(width: int = 800, height: int = 600, kind: str = "JPEG") -> bytes:
    out = io.BytesIO()
    Image.linear_gradient("L").resize((width, height)).convert("RGB").save(out, kind)
    return out.getvalue()


Upload = Callable[..., Awaitable[str]]


@pytest.fixture
def stub(channel: Channel) -> AvatarServiceStub:
    return AvatarServiceStub(channel)


@pytest.fixture
def bucket_of(base: Base) -> Bucket:
    return base.bucket


@pytest_asyncio.fixture
async def anna(register: Register) -> user_pb2.Profile:
    return (await register()).profile


@pytest.fixture
def upload(bucket_of: Bucket) -> Upload:
    """Puts a file where the gateway would, and answers the key."""

    async def put(user_id: int, content: bytes, name: str = "upload-of-a-photo") -> str:
        key = f"avatars/uploads/{user_id}/{name}"
        await bucket_of.put(key, content, content_type="image/jpeg")
        return key

    return put


async def keys(bucket: Bucket) -> set[str]:
    return {entry.key async for entry in bucket.list()}


async def places(postgres: Postgres) -> list[str]:
    return [row["place"] for row in await postgres.primary.fetch("select place from avatar_places")]


async def set_avatar(stub: AvatarServiceStub, user_id: int, key: str) -> user_pb2.Profile:
    answer = await stub.SetAvatar(pb.SetAvatarRequest(viewer_id=user_id, upload_key=key))
    return answer.account.profile


def at(place: str) -> set[str]:
    return {f"{place}/{name}" for name in NAMES}


async def test_an_avatar_is_made_told_and_the_upload_is_gone(
    stub: AvatarServiceStub, anna: user_pb2.Profile, upload: Upload, bucket_of: Bucket, postgres: Postgres
) -> None:
    profile = await set_avatar(stub, anna.id, await upload(anna.id, photo()))
    assert profile.avatar_key.startswith("public/")
    assert profile.version == anna.version + 1
    assert await keys(bucket_of) == at(profile.avatar_key)
    row = await postgres.primary.fetchrow("select payload from outbox order by id desc limit 1")
    assert row
    assert UserEvent.FromString(row["payload"]).profile_changed.profile == profile


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
async def test_every_size_is_square_and_named_by_its_edge(
    stub: AvatarServiceStub, anna: user_pb2.Profile, upload: Upload, bucket_of: Bucket, tmp_path: Path, kind: str
) -> None:
    profile = await set_avatar(stub, anna.id, await upload(anna.id, photo(300, 200, kind)))
    for name in NAMES:
        assert await bucket_of.get_to_file(f"{profile.avatar_key}/{name}", tmp_path / name)
        with Image.open(tmp_path / name) as image:
            edge = int(name.partition(".")[0])
            assert image.size == (edge, edge)
            assert image.format == ("WEBP" if name.endswith("webp") else "JPEG")


async def test_the_square_is_cut_around_the_focal_point(
    stub: AvatarServiceStub, anna: user_pb2.Profile, upload: Upload, bucket_of: Bucket, tmp_path: Path
) -> None:
    picture = Image.new("RGB", (900, 300), (250, 250, 250))
    picture.paste((0, 0, 0), (0, 0, 300, 300))
    out = io.BytesIO()
    picture.save(out, "PNG")
    seen: list[int] = []
    for number, x in enumerate((0.0, 1.0)):
        key = await upload(anna.id, out.getvalue(), f"upload-number-{number:04}")
        asked = pb.SetAvatarRequest(viewer_id=anna.id, upload_key=key, focal_x=x)
        place = (await stub.SetAvatar(asked)).account.profile.avatar_key
        await bucket_of.get_to_file(f"{place}/150.jpg", tmp_path / "square.jpg")
        with Image.open(tmp_path / "square.jpg") as square:
            pixel = square.convert("L").getpixel((75, 75))
            assert isinstance(pixel, int)
            seen.append(pixel)
    assert seen[0] < 20
    assert seen[1] > 230


async def test_a_new_avatar_removes_the_old_one_and_a_removal_the_last(
    stub: AvatarServiceStub, anna: user_pb2.Profile, upload: Upload, bucket_of: Bucket, postgres: Postgres
) -> None:
    first = await set_avatar(stub, anna.id, await upload(anna.id, photo(), "first-upload-of-a"))
    second = await set_avatar(stub, anna.id, await upload(anna.id, photo(500, 500), "second-upload-of-a"))
    assert first.avatar_key != second.avatar_key
    assert await keys(bucket_of) == at(second.avatar_key)
    for _ in range(2):
        await stub.RemoveAvatar(pb.RemoveAvatarRequest(viewer_id=anna.id))
    assert await keys(bucket_of) == set()
    assert await places(postgres) == []
    rows = await postgres.primary.fetch("select payload from outbox")
    assert len(rows) == 4, "removing what is not there tells nobody"


async def test_the_same_upload_again_is_the_same_request(
    stub: AvatarServiceStub, anna: user_pb2.Profile, upload: Upload
) -> None:
    key = await upload(anna.id, photo())
    assert await set_avatar(stub, anna.id, key) == await set_avatar(stub, anna.id, key)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"just text", "NOT_AN_IMAGE"),
        (b"", "NOT_AN_IMAGE"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "NOT_AN_IMAGE"),
        (photo()[:2000], "IMAGE_TRUNCATED"),
        (photo() + bytes(MAX_BYTES), "FILE_TOO_LARGE"),
    ],
)
async def test_what_is_no_picture_is_refused_and_leaves_nothing(
    stub: AvatarServiceStub,
    anna: user_pb2.Profile,
    upload: Upload,
    bucket_of: Bucket,
    postgres: Postgres,
    content: bytes,
    reason: str,
) -> None:
    with pytest.raises(InvalidArgument) as caught:
        await set_avatar(stub, anna.id, await upload(anna.id, content))
    assert caught.value.reason == reason
    assert await keys(bucket_of) == set()
    assert await places(postgres) == []


async def test_a_picture_that_kills_its_maker_is_refused(
    settings: UserSettings, clock: Clock, anna: user_pb2.Profile, upload: Upload
) -> None:
    hasty = settings.model_copy(update={"avatar_wall_seconds": 0.001})
    key = await upload(anna.id, photo())
    async with AsyncExitStack() as stack:
        base = await open_base(stack, hasty, clock)
        with pytest.raises(InvalidArgument, match="PROCESSING_FAILED"):
            await base.avatars.set(anna.id, key, Focus())


async def test_other_peoples_uploads_and_made_up_keys_are_no_ones(
    stub: AvatarServiceStub, anna: user_pb2.Profile, upload: Upload
) -> None:
    theirs = await upload(anna.id + 1, photo())
    for key in (theirs, "uploads/123", f"avatars/uploads/{anna.id}/../{anna.id + 1}/upload-of-a-photo", ""):
        with pytest.raises(InvalidArgument, match="INVALID_FIELD"):
            await set_avatar(stub, anna.id, key)
    with pytest.raises(NotFound, match="UPLOAD_LOST"):
        await set_avatar(stub, anna.id, f"avatars/uploads/{anna.id}/never-was-uploaded")


async def test_an_account_has_one_picture_in_the_making(
    stub: AvatarServiceStub, anna: user_pb2.Profile, upload: Upload, bucket_of: Bucket
) -> None:
    uploads = [await upload(anna.id, photo(), f"upload-number-{n:04}") for n in range(3)]
    answers = await asyncio.gather(*(set_avatar(stub, anna.id, key) for key in uploads), return_exceptions=True)
    refused = [answer for answer in answers if isinstance(answer, ResourceExhausted)]
    (made,) = [answer for answer in answers if isinstance(answer, user_pb2.Profile)]
    assert len(refused) == 2
    assert at(made.avatar_key) <= await keys(bucket_of)


async def test_without_storage_nothing_changes_and_the_request_can_be_repeated(
    stub: AvatarServiceStub, settings: UserSettings, clock: Clock, anna: user_pb2.Profile, upload: Upload
) -> None:
    key = await upload(anna.id, photo())
    away = settings.model_copy(update={"s3_endpoint": "http://127.0.0.1:1"})
    async with AsyncExitStack() as stack:
        base = await open_base(stack, away, clock)
        with pytest.raises(Exception, match="connect"):
            await base.avatars.set(anna.id, key, Focus())
    assert (await set_avatar(stub, anna.id, key)).avatar_key


async def test_old_files_that_cannot_be_removed_are_left_to_the_sweep(
    stub: AvatarServiceStub,
    base: Base,
    anna: user_pb2.Profile,
    upload: Upload,
    bucket_of: Bucket,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    first = await set_avatar(stub, anna.id, await upload(anna.id, photo(), "first-upload-of-a"))
    key = await upload(anna.id, photo(), "second-upload-of-a")

    async def away(*_keys: str) -> None:
        raise Unavailable("S3_UNAVAILABLE", "away")

    with monkeypatch.context() as patched:
        patched.setattr(bucket_of, "delete", away)
        second = await set_avatar(stub, anna.id, key)
    assert at(first.avatar_key) <= await keys(bucket_of)
    await base.avatars.remove_strays(older_than=AT_ONCE)
    assert await keys(bucket_of) == at(second.avatar_key) | {key}


async def test_a_process_killed_in_the_middle_leaves_what_the_sweep_removes(
    base: Base,
    anna: user_pb2.Profile,
    upload: Upload,
    bucket_of: Bucket,
    postgres: Postgres,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Killed(BaseException):
        pass

    def die(*_: object) -> None:
        raise Killed

    key = await upload(anna.id, photo())
    with monkeypatch.context() as patched:
        patched.setenv(faults.VARIABLE, "avatar_mid_file:/dev/null/none")
        patched.setattr(faults, "_first_time", lambda _marker: True)  # pyright: ignore[reportUnknownLambdaType, reportUnknownArgumentType]
        patched.setattr("os.kill", die)
        with pytest.raises(Killed):
            await base.avatars.set(anna.id, key, Focus())
    (place,) = await places(postgres)
    assert await keys(bucket_of) == {key, f"{place}/640.webp"}
    await base.avatars.remove_strays(older_than=timedelta(minutes=1))
    assert f"{place}/640.webp" in await keys(bucket_of), "it may be in the making"
    await base.avatars.remove_strays(older_than=AT_ONCE)
    assert await keys(bucket_of) == {key}
    assert await places(postgres) == []


async def test_an_avatar_of_a_suspended_account_cannot_be_fetched_until_it_is_restored(
    stub: AvatarServiceStub,
    users: UserServiceStub,
    base: Base,
    settings: UserSettings,
    anna: user_pb2.Profile,
    upload: Upload,
    bucket_of: Bucket,
    make_topics: MakeTopics,
) -> None:
    await make_topics("user.v1")
    key = await upload(anna.id, photo())
    place = (await set_avatar(stub, anna.id, key)).avatar_key

    async def lies_at(wanted: str) -> None:
        async def all_there() -> bool:
            return await keys(bucket_of) == at(wanted)

        await eventually(all_there, timeout=20)

    async with background([base.outbox.run, following_states(settings, base.avatars).run], grace=5):
        await base.states.change(anna.id, SUSPENDED, allowed_from=[ACTIVE], kind=Kind.SUSPENDED, device=Device())
        await lies_at(withheld(place))
        with pytest.raises(NotFound, match="USER_NOT_FOUND"):
            await set_avatar(stub, anna.id, await upload(anna.id, photo(), "a-later-upload-of"))
        await bucket_of.delete(f"avatars/uploads/{anna.id}/a-later-upload-of")
        await base.states.change(anna.id, ACTIVE, allowed_from=[SUSPENDED], kind=Kind.RESTORED, device=Device())
        await lies_at(place)
    account = (await users.GetAccount(user_pb2.GetAccountRequest(viewer_id=anna.id))).account
    assert account.profile.avatar_key == place


async def test_erasing_removes_every_file_and_note(
    stub: AvatarServiceStub, base: Base, anna: user_pb2.Profile, upload: Upload, bucket_of: Bucket, postgres: Postgres
) -> None:
    await set_avatar(stub, anna.id, await upload(anna.id, photo()))
    await upload(anna.id, photo(), "an-upload-left-over")
    stranger = await upload(anna.id + 1, photo())
    for _ in range(2):
        await base.avatars.erase(anna.id)
    assert await keys(bucket_of) == {stranger}
    assert await places(postgres) == []


async def test_a_photo_of_twelve_megapixels_is_made_while_the_caller_waits(
    stub: AvatarServiceStub, base: Base, anna: user_pb2.Profile, upload: Upload
) -> None:
    noisy = Image.effect_noise((4000, 3000), 40).convert("RGB")
    out = io.BytesIO()
    noisy.save(out, "JPEG", quality=85)
    key = await upload(anna.id, out.getvalue())
    async with background([base.pictures.stand_by], grace=5):
        assert (await set_avatar(stub, anna.id, key)).avatar_key
