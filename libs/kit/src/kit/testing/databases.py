"""Fresh databases and keyspaces with the real migrations."""

import hashlib
import secrets
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest
import pytest_asyncio

from kit import migrations
from kit.testing.keyspaces import Keyspaces

_LOCK = 0x7465_7374
_FROZEN = (migrations.NEXT_ID_V1 + migrations.OUTBOX_V1).encode()


class MakeDatabase(Protocol):
    """Migrations' folder -> DSN of a fresh database with them applied; an empty database without one."""

    async def __call__(self, folder: Path | None = None) -> str: ...


class MakeKeyspace(Protocol):
    """Folder of CQL -> name of an empty keyspace with them applied. One keyspace a folder and run, emptied before each
    test that asks: making one takes seconds."""

    async def __call__(self, folder: Path) -> str: ...


@pytest_asyncio.fixture
async def make_database(servers: dict[str, str]) -> AsyncGenerator[MakeDatabase]:
    admin = servers["HELIOGRAPH_POSTGRES_ADMIN_DSN"]
    made: list[str] = []

    async def make(folder: Path | None = None) -> str:
        template = await _template(admin, folder) if folder else "template1"
        made.append(name := f"test_{secrets.token_hex(8)}")
        await _execute(admin, f"create database {name} template {template}")
        return _dsn(admin, name)

    yield make
    for name in made:
        await _execute(admin, f"drop database if exists {name} with (force)")


@pytest.fixture(scope="session")
def keyspaces(servers: dict[str, str]) -> Iterator[Keyspaces]:
    """Behind make_keyspace."""
    made = Keyspaces(servers)
    yield made
    made.drop()


@pytest.fixture
def make_keyspace(keyspaces: Keyspaces) -> MakeKeyspace:
    return keyspaces.empty


async def _template(admin: str, folder: Path) -> str:
    """A database that is only copied, kept under the hash of the folder; whoever comes first makes it."""
    name = f"template_{_digest(folder)}"
    connection = await asyncpg.connect(admin)
    try:
        await connection.execute("select pg_advisory_lock($1)", _LOCK)
        if not await connection.fetchval("select true from pg_database where datname = $1", name):
            await connection.execute(f"drop database if exists {name}_new with (force)")
            await connection.execute(f"create database {name}_new")
            await migrations.upgrade(_dsn(admin, f"{name}_new"), folder)
            await connection.execute(f"alter database {name}_new rename to {name}")
    finally:
        await connection.close()
    return name


def _digest(folder: Path) -> str:
    files = sorted(folder.glob("*.py"))
    return hashlib.sha256(_FROZEN + b"".join(file.name.encode() + file.read_bytes() for file in files)).hexdigest()[:16]


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _dsn(admin: str, database: str) -> str:
    return urlunsplit(urlsplit(admin)._replace(path=f"/{database}"))
