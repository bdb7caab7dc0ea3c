"""Fresh databases and keyspaces with the real migrations."""

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

import pytest

from kit.testing.keyspaces import Keyspaces
from kit.testing.spares import Spares


class MakeDatabase(Protocol):
    """Migrations' folder -> DSN of a fresh database with them applied; an empty database without one."""

    async def __call__(self, folder: Path | None = None) -> str: ...


class MakeKeyspace(Protocol):
    """Folder of CQL -> name of an empty keyspace with them applied. One keyspace a folder and run, emptied before each
    test that asks: making one takes seconds."""

    async def __call__(self, folder: Path) -> str: ...


@pytest.fixture(scope="session")
def databases(servers: dict[str, str]) -> Iterator[Spares]:
    """Behind make_database."""
    spares = Spares(servers["HELIOGRAPH_POSTGRES_ADMIN_DSN"])
    yield spares
    spares.close()


@pytest.fixture
def make_database(databases: Spares) -> Iterator[MakeDatabase]:
    made: list[str] = []

    async def make(folder: Path | None = None) -> str:
        made.append(name := await databases.take(folder))
        return databases.dsn(name)

    yield make
    for name in made:
        databases.give_back(name)


@pytest.fixture(scope="session")
def keyspaces(servers: dict[str, str]) -> Iterator[Keyspaces]:
    """Behind make_keyspace."""
    made = Keyspaces(servers)
    yield made
    made.drop()


@pytest.fixture
def make_keyspace(keyspaces: Keyspaces) -> MakeKeyspace:
    return keyspaces.empty
