"""Makes the archives that people asked for, and takes them away again.

Killed anywhere, the next one begins anew under the same key: an archive has its place before its first byte.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from kit import faults, log
from kit.outage import outlast
from kit.outbox import Outbox
from kit.personal import Piece
from kit.s3 import Bucket
from kit.workspace import Workspace

from user_service.model.lifecycle import ARCHIVE_NAME, MAX_ATTEMPTS, Export, ExportState
from user_service.model.mail import Mail
from user_service.service.archive import Archive
from user_service.store.accounts import AccountStore
from user_service.store.lifecycle import ExportStore
from user_service.store.mail import MailQueue

_BATCH = 100
_TYPE = "application/zip"

logger = log.get(__name__)


class Source(Protocol):
    """A service that keeps something about accounts."""

    async def export(self, user_id: int, token: str) -> tuple[list[Piece], str]:
        """A page of it, and the next page's token: empty at the end."""
        ...


class Gone(Exception):
    """The account was erased while its archive was made."""


class Exporting:
    def __init__(
        self,
        outbox: Outbox,
        accounts: AccountStore,
        exports: ExportStore,
        mail: MailQueue,
        bucket: Bucket,
        workspace: Workspace,
        sources: Mapping[str, Source],
        random_key: Callable[[], str],
        clock: Callable[[], datetime],
        *,
        life: timedelta,
        lease: timedelta,
        poll: float,
    ) -> None:
        self._outbox, self._accounts, self._exports, self._mail = outbox, accounts, exports, mail
        self._bucket, self._workspace, self._sources = bucket, workspace, sources
        self._random_key, self._clock = random_key, clock
        self._life, self._lease, self._poll = life, lease, poll

    async def run(self) -> None:
        """A task."""
        while True:
            if not await outlast(self.advance, what="exports"):
                await asyncio.sleep(self._poll)

    async def advance(self) -> bool:
        """Whether there was anything to do."""
        await self.expire()
        export = await self._exports.claim(f"exports/{self._random_key()}/{ARCHIVE_NAME}", self._lease)
        if export is None:
            return False
        if export.attempts > MAX_ATTEMPTS:
            await self._bucket.delete(export.object_key)
            await self._exports.end(export, ExportState.FAILED)
            logger.error("export given up", user_id=export.user_id, export_id=export.id)
            return True
        try:
            await self._make(export)
        except Gone:
            await self._bucket.delete(export.object_key)
        return True

    async def expire(self) -> None:
        for export in await self._exports.expired(self._clock(), _BATCH):
            await self._bucket.delete(export.object_key)
            await self._exports.end(export, ExportState.EXPIRED)

    async def _make(self, export: Export) -> None:
        with self._workspace.folder() as folder, Archive(folder) as archive:
            missing: list[str] = []
            for number, (name, source) in enumerate(self._sources.items()):
                await self._collect(export, name, source, archive, missing, number * 90 // len(self._sources))
            await self._in_thread(archive.add_piece, "about.json", self._about(export, missing))
            size = await asyncio.to_thread(archive.finish)
            await self._go_on(export, 90)
            await self._bucket.put_file(export.object_key, archive.path, content_type=_TYPE)
        faults.point("export_before_ready")
        await self._finish(export, size)

    async def _collect(
        self, export: Export, name: str, source: Source, archive: Archive, missing: list[str], progress: int
    ) -> None:
        token = ""  # nosec B105 the first page
        while True:
            pieces, token = await source.export(export.user_id, token)
            for piece in pieces:
                path = f"{name}/{piece.path}"
                if not piece.object_key:
                    await self._in_thread(archive.add_piece, path, piece.content)
                elif not await self._copy(piece.object_key, path, archive):
                    missing.append(path)
                await self._go_on(export, progress)
                faults.point("export_mid_file")
            if not token:
                return

    async def _copy(self, key: str, path: str, archive: Archive) -> bool:
        """False when the object is not there any more."""
        reading = await self._bucket.open(key)
        if reading.status != 200:
            return False
        file = await asyncio.to_thread(archive.begin_file, path)
        try:
            async for chunk in reading.chunks:
                await asyncio.to_thread(file.write, chunk)
        finally:
            await asyncio.to_thread(file.close)
        return True

    async def _finish(self, export: Export, size: int) -> None:
        now = self._clock()
        expires_at = now + self._life
        async with self._outbox.transaction() as transaction:
            account = await self._accounts.lock(transaction.conn, export.user_id)
            if account is None or not await self._exports.finish(transaction.conn, export, size, now, expires_at):
                raise Gone
            if account.profile.active:
                told = {"username": account.profile.username, "date": f"{expires_at:%-d %B %Y}"}
                letter = Mail(export.user_id, account.email, "export_ready", expires_at, told)
                await self._mail.put(transaction.conn, letter)

    async def _go_on(self, export: Export, progress: int) -> None:
        if not await self._exports.go_on(export, progress, self._lease):
            raise Gone

    def _about(self, export: Export, missing: list[str]) -> bytes:
        told = {
            "user_id": str(export.user_id),
            "requested_at": export.requested_at.isoformat(),
            "collected_at": self._clock().isoformat(),
            "missing": missing,
        }
        return json.dumps(told, indent=2).encode()

    async def _in_thread(self, add: Callable[[str, bytes], None], path: str, content: bytes) -> None:
        await asyncio.to_thread(add, path, content)
