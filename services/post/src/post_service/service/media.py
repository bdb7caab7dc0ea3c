"""Uploads: announced, checked in storage, described."""

from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

from post_service.model import errors
from post_service.model.changes import MediaUploaded
from post_service.model.media import (
    Announcement,
    Focus,
    Limits,
    MediaState,
    Medium,
    Upload,
    check_alt_text,
    check_announcement,
    check_focus,
)
from post_service.service.publishing import media_changed
from post_service.service.reading import PostReader
from post_service.service.sight import signed_in
from post_service.store import media as rows
from post_service.store.media import MediaStore
from post_service.store.truth import Truth


class Uploads(Protocol):
    """Storage, as uploads need it."""

    def presign(self, key: str, *, content_type: str, size: int) -> Upload: ...

    def size(self, key: str) -> Awaitable[int | None]:
        """None when there is no such object."""
        ...

    def sha256(self, key: str) -> Awaitable[str | None]:
        """Lower-case hex; None when there is no such object."""
        ...

    def delete(self, key: str) -> Awaitable[None]: ...


@dataclass(frozen=True)
class Description:
    """What an author changes of a medium; None leaves it."""

    alt_text: str | None = None
    focal_x: float | None = None
    focal_y: float | None = None


class MediaService:
    def __init__(self, truth: Truth, media: MediaStore, reader: PostReader, uploads: Uploads, limits: Limits) -> None:
        self._truth = truth
        self._media = media
        self._reader = reader
        self._uploads = uploads
        self._limits = limits

    async def create(self, viewer_id: int, request_id: str, asked: Announcement) -> tuple[Medium, Upload | None]:
        """The medium and where to upload it; nowhere when a repeated request finds it uploaded already.
        Raises InvalidArgument INVALID_FIELD, REQUEST_ID_REUSED."""
        signed_in(viewer_id)
        check_announcement(asked, self._limits)
        medium = await self._media.reserve(viewer_id, request_id, asked)
        if (medium.kind, medium.bytes, medium.sha256) != (asked.kind, asked.bytes, asked.sha256):
            raise errors.request_id_reused()
        if medium.state is MediaState.DELETED:
            raise errors.media_not_found()
        if medium.state is not MediaState.WAITING:
            return medium, None
        return medium, self._uploads.presign(medium.upload_key, content_type=medium.content_type, size=medium.bytes)

    async def get(self, viewer_id: int, media_id: int) -> Medium:
        """Raises NotFound MEDIA_NOT_FOUND, also for what is another's."""
        medium = await self._media.get(viewer_id, media_id)
        if medium is None or medium.state is MediaState.DELETED:
            raise errors.media_not_found()
        return medium

    async def complete(self, viewer_id: int, media_id: int) -> Medium:
        """Raises FailedPrecondition MEDIA_NOT_UPLOADED, InvalidArgument SIZE_MISMATCH, CHECKSUM_MISMATCH: the bytes are
        gone then and the medium waits for others."""
        medium = await self.get(viewer_id, media_id)
        if medium.state is not MediaState.WAITING:
            return medium
        await self._check_bytes(medium)
        async with self._truth.transaction() as tx:
            moved = await rows.mark_uploaded(tx.conn, viewer_id, media_id)
            if moved is not None:
                await tx.emit(MediaUploaded(media_id, viewer_id))
        return moved or await self.get(viewer_id, media_id)

    async def update(self, viewer_id: int, media_id: int, change: Description) -> Medium:
        """The focal point moves the square crop of what is not processed yet, and is told to clients in any case."""
        async with self._truth.transaction() as tx:
            await tx.lock_author(viewer_id)
            medium = await rows.reload(tx.conn, viewer_id, media_id)
            if medium is None or medium.state is MediaState.DELETED:
                raise errors.media_not_found()
            alt_text = medium.alt_text if change.alt_text is None else change.alt_text
            focus = Focus(
                medium.focus.x if change.focal_x is None else change.focal_x,
                medium.focus.y if change.focal_y is None else change.focal_y,
            )
            check_alt_text(alt_text)
            check_focus(focus)
            if (alt_text, focus) == (medium.alt_text, medium.focus):
                return medium
            await rows.describe(tx.conn, viewer_id, media_id, alt_text, focus)
            if medium.post_id:
                await media_changed(tx, viewer_id, medium.post_id)
        if medium.post_id:
            await self._reader.renew(medium.post_id)
        return await self.get(viewer_id, media_id)

    async def _check_bytes(self, medium: Medium) -> None:
        size = await self._uploads.size(medium.upload_key)
        if size is None:
            raise errors.media_not_uploaded()
        if size != medium.bytes:
            await self._uploads.delete(medium.upload_key)
            raise errors.size_mismatch()
        digest = await self._uploads.sha256(medium.upload_key)
        if digest is None:
            raise errors.media_not_uploaded()
        if digest != medium.sha256:
            await self._uploads.delete(medium.upload_key)
            raise errors.checksum_mismatch()
