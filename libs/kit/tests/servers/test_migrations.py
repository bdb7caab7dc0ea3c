import asyncio
from collections.abc import Sequence
from pathlib import Path

import asyncpg
import pytest
from asyncpg import Connection, Record
from kit.migrations import upgrade
from kit.testing import MakeDatabase

VERSIONS = Path(__file__).parent / "versions"


async def fetch(dsn: str, query: str) -> Sequence[Record]:
    connection: Connection[Record] = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(query)
    finally:
        await connection.close()


async def test_a_second_run_changes_nothing(make_database: MakeDatabase) -> None:
    dsn = await make_database()
    await upgrade(dsn, VERSIONS)
    await upgrade(dsn, VERSIONS)
    assert [row["name"] for row in await fetch(dsn, "select name from things order by id")] == ["first", "second"]


async def test_runs_at_the_same_time_apply_each_version_once(make_database: MakeDatabase) -> None:
    dsn = await make_database()
    await asyncio.gather(*(upgrade(dsn, VERSIONS) for _ in range(4)))
    assert [row["version_num"] for row in await fetch(dsn, "select version_num from alembic_version")] == ["0002"]
    assert (await fetch(dsn, "select count(*) from things"))[0]["count"] == 2


async def test_a_migration_waits_for_a_table_that_is_in_use(make_database: MakeDatabase, tmp_path: Path) -> None:
    dsn = await make_database(VERSIONS)
    for version in VERSIONS.glob("*.py"):
        (tmp_path / version.name).write_text(version.read_text())
    (tmp_path / "0003_wider.py").write_text(
        "from alembic import op\nrevision, down_revision = '0003', '0002'\n"
        "def upgrade(): op.execute('alter table things add column size int')\n"
    )
    connection: Connection[Record] = await asyncpg.connect(dsn)
    async with connection.transaction():
        await connection.execute("lock table things")
        running = asyncio.create_task(upgrade(dsn, tmp_path))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(asyncio.shield(running), 0.5)
    await running
    assert (await fetch(dsn, "select size from things"))[0]["size"] is None
    await connection.close()


async def test_ids_sort_by_time_and_are_unique(make_database: MakeDatabase) -> None:
    rows = await fetch(await make_database(VERSIONS), "select next_id() as id from generate_series(1, 5000)")
    ids = [row["id"] for row in rows]
    assert len(set(ids)) == 5000
    assert ids[0] >> 16 <= ids[-1] >> 16
