"""Postgres databases of a test run, made ahead: making one takes as long as many a test, which runs meanwhile."""

import asyncio
import hashlib
import secrets
from collections.abc import Callable, Coroutine
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from kit import migrations

T = TypeVar("T")

_LOCK = 0x7465_7374
_FROZEN = (migrations.NEXT_ID_V1 + migrations.OUTBOX_V1).encode()


class Spares:
    """Keeps one more database ready of each folder of migrations that was asked for. Works in a thread, because it
    outlives each test's event loop; one thing after the other."""

    def __init__(self, admin: str) -> None:
        self._admin = admin
        self._thread = ThreadPoolExecutor(1, "databases")
        self._templates: dict[Path, str] = {}
        self._ready: dict[Path | None, Future[str]] = {}

    async def take(self, folder: Path | None) -> str:
        """The name of a fresh database, which is the caller's to give back."""
        being_made = self._ready.pop(folder, None) or self._begin(self._make, folder)
        name = await asyncio.wrap_future(being_made)
        self._ready[folder] = self._begin(self._make, folder)
        return name

    def give_back(self, name: str) -> None:
        self._begin(self._drop, name)

    def close(self) -> None:
        """Waits until all of them are gone."""
        for being_made in self._ready.values():
            self._begin(self._drop, being_made.result())
        self._thread.shutdown()

    def dsn(self, database: str) -> str:
        return urlunsplit(urlsplit(self._admin)._replace(path=f"/{database}"))

    def _begin(self, work: Callable[..., Coroutine[Any, Any, T]], *args: object) -> Future[T]:
        return self._thread.submit(lambda: asyncio.run(work(*args)))

    async def _make(self, folder: Path | None) -> str:
        name = f"test_{secrets.token_hex(8)}"
        template = await self._template(folder) if folder else "template1"
        await self._execute(f"create database {name} template {template}")
        return name

    async def _drop(self, name: str) -> None:
        await self._execute(f"drop database if exists {name} with (force)")

    async def _template(self, folder: Path) -> str:
        """A database that is only copied, kept under the hash of the folder; whoever comes first makes it."""
        if folder not in self._templates:
            name = f"template_{_digest(folder)}"
            connection = await asyncpg.connect(self._admin)
            try:
                await connection.execute("select pg_advisory_lock($1)", _LOCK)
                if not await connection.fetchval("select true from pg_database where datname = $1", name):
                    await connection.execute(f"drop database if exists {name}_new with (force)")
                    await connection.execute(f"create database {name}_new")
                    await migrations.upgrade(self.dsn(f"{name}_new"), folder)
                    await connection.execute(f"alter database {name}_new rename to {name}")
            finally:
                await connection.close()
            self._templates[folder] = name
        return self._templates[folder]

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self._admin)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


def _digest(folder: Path) -> str:
    files = sorted(folder.glob("*.py"))
    return hashlib.sha256(_FROZEN + b"".join(file.name.encode() + file.read_bytes() for file in files)).hexdigest()[:16]
