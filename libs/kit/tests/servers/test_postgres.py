from pathlib import Path

import asyncpg
import pytest
from kit import deadline
from kit.errors import DeadlineExceeded, Unavailable
from kit.postgres import Postgres, open_postgres
from kit.settings import PostgresSettings
from kit.testing import MakeDatabase, MakeSettings

VERSIONS = Path(__file__).parent / "versions"


async def insert_and_fail(postgres: Postgres) -> None:
    async with postgres.primary.transaction() as connection:
        await connection.execute("insert into things (name) values ('third')")
        await connection.execute("select 1 / 0")


async def test_a_query_ends_with_the_deadline_and_leaves_the_pool_usable(
    make_database: MakeDatabase, make_settings: MakeSettings
) -> None:
    settings = make_settings(PostgresSettings, postgres_dsn=await make_database(), postgres_pool_size=1)
    async with open_postgres(settings) as postgres:
        with pytest.raises(DeadlineExceeded), deadline.within(0.2):
            await postgres.primary.fetchval("select pg_sleep(20)")
        assert await postgres.primary.fetchval("select 1") == 1


async def test_a_failed_block_rolls_back(make_database: MakeDatabase, make_settings: MakeSettings) -> None:
    settings = make_settings(PostgresSettings, postgres_dsn=await make_database(VERSIONS))
    async with open_postgres(settings) as postgres:
        with pytest.raises(asyncpg.DivisionByZeroError):
            await insert_and_fail(postgres)
        assert await postgres.primary.fetchval("select count(*) from things where name = 'third'") == 0


async def test_json_goes_both_ways(make_database: MakeDatabase, make_settings: MakeSettings) -> None:
    async with open_postgres(make_settings(PostgresSettings, postgres_dsn=await make_database())) as postgres:
        assert await postgres.primary.fetchval("select $1::jsonb", {"a": [1, None]}) == {"a": [1, None]}


async def test_reads_that_may_be_stale_take_turns_at_the_replicas_and_the_truth_is_asked_of_the_primary(
    make_database: MakeDatabase, make_settings: MakeSettings
) -> None:
    # Three databases of one server stand for three servers: each answers with its own name.
    primary, *replicas = [await make_database() for _ in range(3)]
    settings = make_settings(PostgresSettings, postgres_dsn=primary, postgres_replica_dsns=",".join(replicas))
    async with open_postgres(settings) as postgres:
        asked = [await postgres.stale.fetchval("select current_database()") for _ in range(4)]
        assert asked[:2] == asked[2:] == [dsn.rpartition("/")[2] for dsn in replicas]
        assert await postgres.primary.fetchval("select current_database()") == primary.rpartition("/")[2]


async def test_a_dead_replica_is_passed_over(make_database: MakeDatabase, make_settings: MakeSettings) -> None:
    settings = make_settings(
        PostgresSettings,
        postgres_dsn=await make_database(),
        postgres_replica_dsns="postgresql://nobody@127.0.0.1:1/none",
    )
    async with open_postgres(settings) as postgres:
        assert postgres.stale is not postgres.primary
        with pytest.raises(Unavailable):
            await postgres.stale.fetchval("select 1")
        assert await postgres.stale.fetchval("select 1") == 1


async def test_it_starts_while_the_server_is_down(make_settings: MakeSettings) -> None:
    settings = make_settings(PostgresSettings, postgres_dsn="postgresql://nobody@127.0.0.1:1/none")
    async with open_postgres(settings) as postgres:
        with pytest.raises(Unavailable):
            await postgres.check()
