"""From uploaded bytes to variants, on a real bucket and a real database."""

import asyncio
import hashlib
import io
import os
import signal
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import imageio_ffmpeg
import pytest
from heliograph.events.v1.post_events_pb2 import MediaUploaded, PostDeleted, PostPublished, PostSnapshot
from heliograph.events.v1.user_events_pb2 import AccountStateChanged, PrivacyChanged
from heliograph.post.v1 import post_pb2
from heliograph.user.v1.user_pb2 import Profile
from kit.consumer import Delivery
from kit.errors import Unavailable
from kit.s3 import Bucket
from kit.sandbox import Limits
from PIL import Image
from post_service.media.sandbox import Sandbox
from post_service.media.worker import MediaWorker
from post_service.model.media import Kind, MediaState, Medium
from post_service.model.posts import Content
from post_service.model.visibility import AccountState, Audience, PostState
from post_service.service.publishing import move_misplaced
from post_service.store import media as media_rows
from post_service.store import posts as rows
from post_service.store.objects import Objects

from services.post.tests.contract.conftest import Studio, keys_in, photo

BEN = 11
NAMES = {f"{edge}.{kind}" for edge in (1080, 640, 320, 150) for kind in ("webp", "jpg")}
NOTICE = Delivery("post.v1", 0, 0, "", "", "", datetime.now(UTC), b"")


def at(place: str) -> set[str]:
    return {f"{place}/{name}" for name in NAMES}


async def post_of(
    studio: Studio,
    media: Sequence[Medium],
    audience: Audience = Audience.PUBLIC,
    state: PostState = PostState.PENDING,
) -> int:
    author = media[0].author_id
    content = Content("", "", None, audience, comments_off=False)
    async with studio.desk.truth.transaction() as tx:
        await tx.lock_author(author)
        request = f"p{next(studio.requests)}"
        post_id = await rows.insert(tx.conn, author, request, b"", content, state)
        await media_rows.attach(tx.conn, author, post_id, [medium.id for medium in media])
    return post_id


async def delete_post(studio: Studio, post_id: int) -> None:
    async with studio.desk.truth.transaction() as tx:
        await tx.lock_author(BEN)
        await rows.delete(tx.conn, BEN, post_id)
        await media_rows.delete_of_post(tx.conn, BEN, post_id)
    await studio.worker.on_deleted(PostDeleted(post_id=post_id, author_id=BEN), NOTICE)


async def test_a_photo_becomes_ready_with_all_variants_and_its_original(studio: Studio) -> None:
    studio.people.add(BEN)
    data = photo()
    medium = await studio.work(await studio.upload(BEN, data))
    assert medium.state is MediaState.READY
    assert (medium.width, medium.height) == (1200, 1600)
    assert {variant.name for variant in medium.variants} == NAMES
    assert medium.place.startswith("public/")
    original = f"originals/{BEN}/{hashlib.sha256(data).hexdigest()}"
    assert await keys_in(studio.bucket) == at(medium.place) | {original, medium.upload_key}
    for variant in medium.variants:
        stored = b"".join([chunk async for chunk in studio.bucket.stream(f"{medium.place}/{variant.name}")])
        assert len(stored) == variant.bytes
        with Image.open(io.BytesIO(stored)) as image:
            assert image.size == (variant.width, variant.height)
            assert not image.getexif()
    assert await studio.event_names() == ["media_processed"]


async def test_the_upload_is_removed_when_its_event_is_done(studio: Studio) -> None:
    studio.people.add(BEN)
    medium = await studio.upload(BEN, photo())
    await studio.worker.on_uploaded(post_event(medium), NOTICE)
    assert await keys_in(studio.bucket, "uploads/") == set()


def post_event(medium: Medium) -> MediaUploaded:
    return MediaUploaded(media_id=medium.id, author_id=medium.author_id)


async def test_a_private_account_gets_private_files(studio: Studio) -> None:
    studio.people.add(BEN, private=True)
    medium = await studio.work(await studio.upload(BEN, photo()))
    assert medium.place.startswith("private/")
    assert await keys_in(studio.bucket, "public/") == set()


async def test_a_post_is_published_by_the_last_of_its_media_and_only_once(studio: Studio) -> None:
    studio.people.add(BEN)
    one, two = await studio.upload(BEN, photo(seed=1)), await studio.upload(BEN, photo(seed=2))
    post_id = await post_of(studio, [one, two])
    await studio.work(one)
    post = await studio.desk.posts.get(post_id)
    assert post is not None
    assert post.state is PostState.PENDING
    await asyncio.gather(studio.work(two), studio.work(two))
    post = await studio.desk.posts.get(post_id)
    assert post is not None
    assert post.state is PostState.PUBLISHED
    names = await studio.event_names()
    assert names.count("post_published") == 1
    assert names.count("media_processed") == 2
    assert await studio.desk.posts.counts_of([BEN]) == {BEN: 1}
    assert post_id in studio.renewed


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_narrow_post_gets_private_files_before_it_is_published(studio: Studio, at_once: bool) -> None:
    studio.people.add(BEN)
    medium = await studio.upload(BEN, photo())
    if not at_once:
        medium = await studio.work(medium)
        assert medium.place.startswith("public/")
    post_id = await post_of(studio, [medium], Audience.FOLLOWERS)
    moved = await studio.work(medium)
    assert moved.place.startswith("private/")
    assert await keys_in(studio.bucket, "public/") == set()
    assert await keys_in(studio.bucket, "private/") == at(moved.place)
    post = await studio.desk.posts.get(post_id)
    assert post is not None
    assert post.state is PostState.PUBLISHED


@pytest.mark.parametrize(
    ("hidden", "shown", "told"),
    [
        ({"private_account": True}, {"private_account": False}, PrivacyChanged(profile=Profile(id=BEN))),
        (
            {"state": AccountState.SUSPENDED},
            {"state": AccountState.ACTIVE},
            AccountStateChanged(profile=Profile(id=BEN)),
        ),
        ({"state": AccountState.DELETED}, {"state": AccountState.ACTIVE}, AccountStateChanged(profile=Profile(id=BEN))),
    ],
)
async def test_old_addresses_die_when_the_account_is_not_shown_to_all_any_more_and_new_ones_when_it_is(
    studio: Studio,
    hidden: Mapping[str, object],
    shown: Mapping[str, object],
    told: PrivacyChanged | AccountStateChanged,
) -> None:
    studio.people.add(BEN)
    media = [await studio.upload(BEN, photo(seed=seed)) for seed in range(3)]
    for medium in media[:2]:
        await post_of(studio, [medium])
    for medium in media:
        await studio.work(medium)
    for change, folder in ((hidden, "private/"), (shown, "public/")):
        studio.people.change(BEN, **change)
        before = {(await studio.again(medium)).place for medium in media}
        await studio.worker.on_account_changed(told, NOTICE)
        after = {(await studio.again(medium)).place for medium in media}
        assert not before & after
        assert all(place.startswith(folder) for place in after)
        assert await keys_in(studio.bucket, "p") == set().union(*(at(place) for place in after))


async def test_a_post_that_overtook_its_accounts_privacy_is_put_right(studio: Studio) -> None:
    studio.people.add(BEN)
    medium = await studio.work(await studio.upload(BEN, photo()))
    post_id = await post_of(studio, [medium], state=PostState.PUBLISHED)
    studio.people.change(BEN, private_account=True)
    snapshot = PostSnapshot(post_id=post_id, author_id=BEN, audience=post_pb2.AUDIENCE_PUBLIC)
    await studio.worker.on_published(PostPublished(post=snapshot), NOTICE)
    assert (await studio.again(medium)).place.startswith("private/")
    assert await keys_in(studio.bucket, "public/") == set()


async def test_a_post_whose_files_fit_again_before_they_were_moved_is_published(studio: Studio) -> None:
    studio.people.add(BEN)
    medium = await studio.work(await studio.upload(BEN, photo()))
    # Made while the account was private: it waits for its files to leave the public place.
    post_id = await post_of(studio, [medium])
    assert (await studio.work(medium)).place == medium.place
    post = await studio.desk.posts.get(post_id)
    assert post is not None
    assert post.state is PostState.PUBLISHED
    assert (await studio.event_names()).count("post_published") == 1


async def test_news_of_privacy_that_the_account_does_not_show_yet_comes_again(studio: Studio) -> None:
    studio.people.add(BEN)
    medium = await studio.upload(BEN, photo())
    await post_of(studio, [medium])
    await studio.work(medium)
    told = PrivacyChanged(profile=Profile(id=BEN, private_account=True, version=2))
    with pytest.raises(Unavailable):
        await studio.worker.on_account_changed(told, NOTICE)
    studio.people.change(BEN, private_account=True, version=2)
    await studio.worker.on_account_changed(told, NOTICE)
    assert (await studio.again(medium)).place.startswith("private/")


async def test_deleting_a_post_removes_every_byte_but_what_another_medium_needs(studio: Studio) -> None:
    studio.people.add(BEN)
    data = photo()
    one, two = await studio.work(await studio.upload(BEN, data)), await studio.work(await studio.upload(BEN, data))
    posts = [await post_of(studio, [medium], state=PostState.PUBLISHED) for medium in (one, two)]
    await delete_post(studio, posts[0])
    assert await keys_in(studio.bucket, "p") == at(two.place)
    assert len(await keys_in(studio.bucket, "originals/")) == 1
    await delete_post(studio, posts[1])
    assert await keys_in(studio.bucket, "p") == set()
    assert await keys_in(studio.bucket, "originals/") == set()


async def test_a_post_deleted_while_its_media_is_in_work_leaves_nothing(studio: Studio) -> None:
    studio.people.add(BEN)
    medium = await studio.upload(BEN, photo())
    post_id = await post_of(studio, [medium])
    await asyncio.gather(studio.work(medium), delete_post(studio, post_id))
    await studio.work(medium)
    assert await keys_in(studio.bucket) == set()
    assert "post_published" not in await studio.event_names()


async def test_a_post_deleted_while_variants_are_stored_leaves_nothing(studio: Studio) -> None:
    studio.people.add(BEN)
    medium = await studio.upload(BEN, photo())
    post_id = await post_of(studio, [medium])
    bucket, deletes = studio.bucket, [delete_post]

    class Storage(Objects):
        async def upload(self, source: Path, key: str, *, content_type: str) -> None:
            if key.startswith("public/") and deletes:
                await deletes.pop()(studio, post_id)
            await super().upload(source, key, content_type=content_type)

    files = Storage(bucket, upload_seconds=60, clock=lambda: datetime.now(UTC))
    await MediaWorker(replace(studio.desk, files=files)).advance(BEN, medium.id)
    assert not deletes
    assert await keys_in(bucket) == set()


async def test_a_post_deleted_while_its_files_move_leaves_nothing(studio: Studio) -> None:
    studio.people.add(BEN)
    medium = await studio.work(await studio.upload(BEN, photo()))
    post_id = await post_of(studio, [medium], Audience.FOLLOWERS)
    copied: list[str] = []

    class Storage(Objects):
        async def copy(self, source: str, target: str) -> None:
            await super().copy(source, target)
            copied.append(target)
            if len(copied) == len(NAMES):
                await delete_post(studio, post_id)
                await studio.bucket.put(target, b"written late", content_type="image/jpeg")

    files = Storage(studio.bucket, upload_seconds=60, clock=lambda: datetime.now(UTC))
    await MediaWorker(replace(studio.desk, files=files)).advance(BEN, medium.id)
    assert await keys_in(studio.bucket) == set()


@pytest.mark.parametrize(
    ("kind", "data", "reason"),
    [
        (Kind.IMAGE, b"a text file called photo.jpg", "NOT_AN_IMAGE"),
        (Kind.IMAGE, photo()[:9000], "IMAGE_TRUNCATED"),
        (Kind.VIDEO, b"a text file called film.mp4", "NOT_A_VIDEO"),
    ],
)
async def test_what_is_not_what_it_says_is_refused_and_removed(
    studio: Studio, kind: Kind, data: bytes, reason: str
) -> None:
    studio.people.add(BEN)
    medium = await studio.work(await studio.upload(BEN, data, kind=kind))
    assert (medium.state, medium.reason) == (MediaState.REFUSED, reason)
    assert await keys_in(studio.bucket) == set()
    (event,) = await studio.events()
    assert event.media_processed.state == post_pb2.MEDIA_STATE_REFUSED


async def test_bytes_changed_after_the_check_are_refused(studio: Studio) -> None:
    studio.people.add(BEN)
    medium = await studio.upload(BEN, photo(seed=1))
    await studio.bucket.put(medium.upload_key, photo(seed=2), content_type="image/jpeg")
    medium = await studio.work(medium)
    assert (medium.state, medium.reason) == (MediaState.REFUSED, "CHECKSUM_MISMATCH")


async def test_a_file_that_kills_its_sandbox_is_refused_after_three_attempts(studio: Studio) -> None:
    studio.people.add(BEN)
    hasty = Sandbox(Limits(memory_bytes=2 << 30, cpu_seconds=60, wall_seconds=0.001))
    desk_sandboxes = studio.desk.sandboxes
    assert isinstance(desk_sandboxes, dict)
    desk_sandboxes[Kind.IMAGE] = hasty
    medium = await studio.work(await studio.upload(BEN, photo()))
    assert (medium.state, medium.reason, medium.attempts) == (MediaState.REFUSED, "PROCESSING_FAILED", 4)


async def test_an_outage_of_storage_costs_no_attempt(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    studio.people.add(BEN)
    medium = await studio.upload(BEN, photo())

    async def down(key: str, target: Path) -> bool:
        raise Unavailable("S3_UNAVAILABLE", "away")

    for _ in range(5):
        with monkeypatch.context() as patched:
            patched.setattr(studio.desk.files, "download", down)
            with pytest.raises(Unavailable):
                await studio.work(medium)
    assert (await studio.work(medium)).state is MediaState.READY


async def test_a_crash_of_the_sandbox_is_survived(studio: Studio) -> None:
    studio.people.add(BEN)
    await studio.work(await studio.upload(BEN, photo()))
    process = studio.desk.sandboxes[Kind.IMAGE]._process._process  # pyright: ignore[reportPrivateUsage]
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    assert (await studio.work(await studio.upload(BEN, photo(seed=2)))).state is MediaState.READY


async def test_a_flip_back_during_a_move_leaves_no_file_behind(studio: Studio) -> None:
    studio.people.add(BEN)
    medium = await studio.work(await studio.upload(BEN, photo()))
    post_id = await post_of(studio, [medium], Audience.FOLLOWERS)
    await studio.desk.progress.choose_next_place(medium, "public/abandoned")
    await studio.bucket.put("public/abandoned/640.jpg", b"half a move", content_type="image/jpeg")
    moved = await studio.work(medium)
    assert await keys_in(studio.bucket, "p") == at(moved.place)
    post = await studio.desk.posts.get(post_id)
    assert post is not None
    async with studio.desk.truth.transaction() as tx:
        assert await move_misplaced(tx, studio.people.known[BEN], post) == 0


async def test_a_film_becomes_ready_with_its_poster(studio: Studio, tmp_path: Path) -> None:
    studio.people.add(BEN)
    source = tmp_path / "film.mp4"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-f", "lavfi", "-i", "testsrc=size=320x240:rate=10"]
    process = await asyncio.create_subprocess_exec(*command, "-t", "1", str(source))
    assert await process.wait() == 0
    medium = await studio.work(await studio.upload(BEN, source.read_bytes(), kind=Kind.VIDEO))
    assert medium.state is MediaState.READY
    assert {variant.name for variant in medium.variants} == NAMES | {"video.mp4"}
    assert await keys_in(studio.bucket, "public/") == at(medium.place) | {f"{medium.place}/video.mp4"}


async def test_work_that_no_event_speaks_of_is_taken_up_in_the_end(studio: Studio) -> None:
    studio.people.add(BEN)
    medium = await studio.upload(BEN, photo())
    await studio.worker.take_up_forgotten(older_than_seconds=3600)
    assert (await studio.again(medium)).state is MediaState.CHECKING
    await studio.worker.take_up_forgotten(older_than_seconds=0)
    assert (await studio.again(medium)).state is MediaState.READY


async def test_uploads_that_nobody_needs_are_removed_after_a_day(studio: Studio, open_s3: Bucket) -> None:
    studio.people.add(BEN)
    done, waiting = await studio.upload(BEN, photo(seed=1)), await studio.upload(BEN, photo(seed=2))
    await studio.work(done)
    for days, left in ((0.5, {done.upload_key, waiting.upload_key}), (2.0, {waiting.upload_key})):
        later = datetime.now(UTC) + timedelta(days=days)
        files = Objects(open_s3, upload_seconds=60, clock=lambda now=later: now)
        await MediaWorker(replace(studio.desk, files=files)).remove_stray_uploads()
        assert await keys_in(studio.bucket, "uploads/") == left
