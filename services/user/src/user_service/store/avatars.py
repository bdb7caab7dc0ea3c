"""Avatars' places in Postgres, their files in S3."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from kit.postgres import Connection, Postgres
from kit.s3 import Bucket

from user_service.model.avatars import UPLOADS, uploads_of


class PlaceStore:
    """Rows are noted before the first file of a place is written, and forgotten after its last one is gone."""

    def __init__(self, postgres: Postgres) -> None:
        self._postgres = postgres

    async def note(self, user_id: int, place: str, upload_key: str) -> str:
        """Where the files of this upload go: `place`, or what was noted for it before."""
        query = (
            "insert into avatar_places (user_id, place, upload_key) values ($1, $2, $3) "
            "on conflict (user_id, upload_key) do update set noted_at = clock_timestamp() returning place"
        )
        return await self._postgres.primary.fetchval(query, user_id, place, upload_key)

    async def of_upload(self, user_id: int, upload_key: str) -> str | None:
        query = "select place from avatar_places where user_id = $1 and upload_key = $2"
        return await self._postgres.primary.fetchval(query, user_id, upload_key)

    async def holds(self, conn: Connection, user_id: int, place: str) -> bool:
        """Whether it is still noted, and will be until the end of the transaction."""
        query = "select true from avatar_places where user_id = $1 and place = $2 for update"
        return bool(await conn.fetchval(query, user_id, place))

    async def forget(self, user_id: int, place: str) -> None:
        await self._postgres.primary.execute(
            "delete from avatar_places where user_id = $1 and place = $2", user_id, place
        )

    async def all_of(self, user_id: int) -> list[str]:
        rows = await self._postgres.primary.fetch("select place from avatar_places where user_id = $1", user_id)
        return [row["place"] for row in rows]

    async def stray(self, *, older_than: timedelta, limit: int) -> Sequence[tuple[int, str]]:
        """Accounts and places that no profile names, and that no call can still be about to name."""
        rows = await self._postgres.primary.fetch(
            "select p.user_id, p.place from avatar_places p where p.noted_at < clock_timestamp() - $1::interval "
            "and not exists (select from accounts a where a.user_id = p.user_id and a.avatar_key = p.place) "
            "limit $2",
            older_than,
            limit,
        )
        return [(row["user_id"], row["place"]) for row in rows]


class AvatarFiles:
    """A `folder` is a prefix of keys without its last slash."""

    def __init__(self, bucket: Bucket, clock: Callable[[], datetime]) -> None:
        self._bucket, self._clock = bucket, clock

    async def download(self, key: str, target: Path) -> bool:
        """False when there is no such object."""
        return await self._bucket.get_to_file(key, target)

    async def upload(self, source: Path, key: str, *, content_type: str) -> None:
        await self._bucket.put_file(key, source, content_type=content_type)

    async def delete(self, key: str) -> None:
        await self._bucket.delete(key)

    async def delete_folder(self, folder: str) -> None:
        keys = [entry.key async for entry in self._bucket.list(f"{folder}/")]
        await self._bucket.delete(*keys)

    async def move(self, source: str, target: str) -> None:
        """All files of a folder to another one. Can be repeated after it broke off."""
        names = [entry.key.removeprefix(source) async for entry in self._bucket.list(f"{source}/")]
        await asyncio.gather(*(self._bucket.copy(source + name, target + name) for name in names))
        await self._bucket.delete(*(source + name for name in names))

    async def delete_uploads(self, user_id: int) -> None:
        await self.delete_folder(uploads_of(user_id).rstrip("/"))

    async def delete_old_uploads(self, *, older_than: timedelta) -> None:
        limit = self._clock() - older_than
        old = [entry.key async for entry in self._bucket.list(UPLOADS) if entry.modified < limit]
        await self._bucket.delete(*old)
