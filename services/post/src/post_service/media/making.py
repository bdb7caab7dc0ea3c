"""From uploaded bytes to variants in storage."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from kit import faults, log
from kit.sandbox import Refused, SandboxError

from post_service.media.desk import Desk
from post_service.media.moving import purge
from post_service.media.sandbox import File, Made
from post_service.model.changes import MediaProcessed
from post_service.model.media import IN_WORK, MAX_ATTEMPTS, Kind, MediaState, Medium, Variant, place_of
from post_service.model.visibility import PostState, Profile
from post_service.service.publishing import media_changed, publish_if_settled
from post_service.store import media as rows
from post_service.store import processing
from post_service.store.truth import Transaction

_CHUNK_BYTES = 1 << 20
_WORKING_STATE = {Kind.IMAGE: MediaState.RESIZING, Kind.VIDEO: MediaState.TRANSCODING}

logger = log.get(__name__)


async def process(desk: Desk, medium: Medium, author: Profile, *, for_all: bool) -> None:
    """Ends with the medium ready or refused; or with one attempt less, to be called again. Raises what storage and
    database raise when they are away: that costs no attempt."""
    async with desk.turns[medium.kind]:
        await _attempt(desk, medium, author, for_all=for_all)


async def _attempt(desk: Desk, medium: Medium, author: Profile, *, for_all: bool) -> None:
    if await desk.progress.count_attempt(medium) > MAX_ATTEMPTS:
        await refuse(desk, medium, "PROCESSING_FAILED")
        return
    with desk.workspace.folder() as folder:
        source = folder / "upload"
        made = await _make(desk, medium, source, folder)
        if isinstance(made, Refused):
            await refuse(desk, medium, made.reason)
        elif made is not None:
            await _put_away(desk, medium, author, made, source, for_all=for_all)


async def _put_away(desk: Desk, medium: Medium, author: Profile, made: Made, source: Path, *, for_all: bool) -> None:
    place = await desk.progress.choose_place(medium, place_of(open_to_all=for_all, key=desk.random_key()))
    if place is None:  # erased with its author
        return
    await _keep_original(desk, medium, source)
    await _store(desk, place, source.parent, made.files)
    await _finish(desk, medium, author, made, _variants(source.parent, made.files))
    if await desk.media.get(medium.author_id, medium.id) is None:
        await purge(desk, replace(medium, place=place))


async def refuse(desk: Desk, medium: Medium, reason: str) -> None:
    """For good; its files are purged next."""
    async with desk.truth.transaction() as tx:
        current = await _in_work(tx, medium)
        if current is None:
            return
        await rows.move_on(tx.conn, medium, MediaState.REFUSED, reason)
        await media_changed(tx, medium.author_id, current.post_id)
        await tx.emit(MediaProcessed(medium.id, medium.author_id, MediaState.REFUSED))
    logger.info("refused", media_id=medium.id, reason=reason)
    await desk.renew(current.post_id)


async def publish_waiting(desk: Desk, medium: Medium, author: Profile) -> None:
    """The post of a medium that fits, if it still waits: it was made when the medium did not, by what was known of the
    account then."""
    post = await desk.posts.get(medium.post_id) if medium.post_id else None
    if post is None or post.state is not PostState.PENDING:
        return
    async with desk.truth.transaction() as tx:
        await tx.lock_author(medium.author_id)
        await publish_if_settled(tx, author, post.id)
    await desk.renew(post.id)


async def _make(desk: Desk, medium: Medium, source: Path, folder: Path) -> Made | Refused | None:
    """None when the sandbox died of it. The attempt counts only for as long as the sandbox is at work."""
    try:
        fault = await _fetch(desk, medium, source)
        if fault is not None:
            return Refused(fault)
        await desk.progress.show_state(medium, _WORKING_STATE[medium.kind])
        made = await desk.sandboxes[medium.kind].make(medium.kind, source, folder, medium.focus)
    except SandboxError as error:
        logger.warning("sandbox failed", media_id=medium.id, error=str(error))
        return None
    except BaseException:  # an outage, or the worker is told to stop: not the file's fault
        await asyncio.shield(desk.progress.forget_attempts(medium))
        raise
    await desk.progress.forget_attempts(medium)
    return made


async def _fetch(desk: Desk, medium: Medium, target: Path) -> str | None:
    """Downloads what was uploaded. Answers why it cannot be used: the upload's address may have been written to again
    after the bytes were checked."""
    if not await desk.files.download(medium.upload_key, target):
        return "UPLOAD_LOST"
    return None if await asyncio.to_thread(sha256_of, target) == medium.sha256 else "CHECKSUM_MISMATCH"


def sha256_of(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


async def _keep_original(desk: Desk, medium: Medium, source: Path) -> None:
    """Once for all of the author's media with this content. From the checked copy, not from the upload's address."""
    if not await desk.files.exists(medium.original_key):
        await desk.files.upload(source, medium.original_key, content_type=medium.content_type)
    async with desk.truth.transaction() as tx:
        await processing.keep_original(tx.conn, medium)
        if not await desk.files.exists(medium.original_key):  # removed meanwhile with the last medium that had it
            await desk.files.upload(source, medium.original_key, content_type=medium.content_type)


async def _store(desk: Desk, place: str, folder: Path, files: Sequence[File]) -> None:
    first, *others = files
    await _put(desk, place, folder, first)
    faults.point("media_mid_file")
    await asyncio.gather(*(_put(desk, place, folder, file) for file in others))


async def _put(desk: Desk, place: str, folder: Path, file: File) -> None:
    await desk.files.upload(folder / file.name, f"{place}/{file.name}", content_type=file.content_type)


def _variants(folder: Path, files: Sequence[File]) -> list[Variant]:
    return [
        Variant(file.name, file.width, file.height, (folder / file.name).stat().st_size, file.content_type)
        for file in files
    ]


async def _finish(desk: Desk, medium: Medium, author: Profile, made: Made, variants: Sequence[Variant]) -> None:
    """The step that shows: ready, and the post published if this was the last of its media."""
    async with desk.truth.transaction() as tx:
        current = await _in_work(tx, medium)
        if current is None:
            return
        await processing.finish(tx.conn, medium, variants, blurhash=made.blurhash, width=made.width, height=made.height)
        await tx.emit(MediaProcessed(medium.id, medium.author_id, MediaState.READY))
        if current.post_id:
            await media_changed(tx, medium.author_id, current.post_id)
            await publish_if_settled(tx, author, current.post_id)
    await desk.renew(current.post_id)


async def _in_work(tx: Transaction, medium: Medium) -> Medium | None:
    """The medium as it is now, its author locked; None when it was finished or deleted meanwhile."""
    await tx.lock_author(medium.author_id)
    current = await rows.reload(tx.conn, medium.author_id, medium.id)
    return current if current is not None and current.state in IN_WORK else None
