"""Bytes in S3: uploads, originals and variants."""

from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from kit.s3 import Bucket

from post_service.model.media import UPLOADS, Upload, media_of_upload

_UPLOAD_LIFE = timedelta(days=1)


class Objects:
    def __init__(self, bucket: Bucket, *, upload_seconds: int, clock: Callable[[], datetime]) -> None:
        self._bucket = bucket
        self._upload_seconds = upload_seconds
        self._clock = clock

    def presign(self, key: str, *, content_type: str, size: int) -> Upload:
        """Bound to the type and the size; the digest is checked afterwards, so that a client that announced another one
        is told so by us."""
        made = self._bucket.presign_put(key, content_type=content_type, bytes=size, expires=self._upload_seconds)
        return Upload("PUT", made.url, made.headers, {}, self._clock() + timedelta(seconds=self._upload_seconds))

    async def size(self, key: str) -> int | None:
        """None when there is no such object."""
        found = await self._bucket.head(key)
        return found.bytes if found else None

    async def sha256(self, key: str) -> str | None:
        """Lower-case hex; None when there is no such object."""
        return await self._bucket.sha256(key) or None

    async def exists(self, key: str) -> bool:
        return await self._bucket.head(key) is not None

    async def download(self, key: str, target: Path) -> bool:
        """False when there is no such object."""
        return await self._bucket.get_to_file(key, target)

    async def upload(self, source: Path, key: str, *, content_type: str) -> None:
        await self._bucket.put_file(key, source, content_type=content_type)

    async def copy(self, source: str, target: str) -> None:
        await self._bucket.copy(source, target)

    async def delete(self, key: str) -> None:
        await self._bucket.delete(key)

    async def delete_folder(self, folder: str) -> None:
        """All objects below the prefix `folder`/."""
        keys = [entry.key async for entry in self._bucket.list(f"{folder}/")]
        await self._bucket.delete(*keys)

    async def old_uploads(self) -> list[int]:
        """Ids of media whose upload lies there longer than any work on it takes."""
        limit = self._clock() - _UPLOAD_LIFE
        return [media_of_upload(entry.key) async for entry in self._bucket.list(UPLOADS) if entry.modified < limit]
