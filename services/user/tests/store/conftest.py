from collections.abc import AsyncGenerator
from pathlib import Path

import pytest_asyncio
from kit.postgres import Postgres, open_postgres
from kit.settings import PostgresSettings
from kit.testing import MakeDatabase, MakeSettings

MIGRATIONS = Path(__file__).parents[2] / "migrations"


@pytest_asyncio.fixture
async def postgres(make_database: MakeDatabase, make_settings: MakeSettings) -> AsyncGenerator[Postgres]:
    settings = make_settings(PostgresSettings, postgres_dsn=await make_database(MIGRATIONS))
    async with open_postgres(settings) as opened:
        yield opened
