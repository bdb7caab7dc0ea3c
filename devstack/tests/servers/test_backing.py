"""Postgres and Redis brought up by the same steps as the whole stack: truth stays, faults are told."""

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import asyncpg
import pytest
import redis
from devstack.faults import StackError
from devstack.ports import SERVER_PORTS
from devstack.servers import postgres
from devstack.servers import redis as redis_server
from devstack.site import Site, make_root
from devstack.supervision import Supervision

from devstack import bringup, machine, ports, readiness


@pytest.fixture
def site() -> Iterator[Site]:
    """Not below pytest's folder, which the servers' user may not enter."""
    root = Path(tempfile.mkdtemp(prefix="heliograph-test."))
    root.chmod(0o755)
    make_root(root)
    yield Site(root, ports.choose(root, SERVER_PORTS, {}, free=True), machine.account(), machine.java_home())
    supervision = Supervision(root)
    if supervision.alive():
        supervision.end()
    shutil.rmtree(root)


def up(site: Site) -> None:
    supervision = Supervision(site.root)
    postgres.prepare(site)
    redis_server.prepare(site)
    supervision.start([postgres.unit(site), redis_server.unit(site)])
    told = postgres.settings(site) | redis_server.settings(site)

    async def both() -> None:
        for name in ("postgres", "redis"):
            await bringup.start(supervision, name, partial(readiness.SERVERS[name], told))

    asyncio.run(both())


def query(site: Site, sql: str) -> object:
    async def ask() -> object:
        connection = await asyncpg.connect(postgres.dsn(site, "postgres"))
        try:
            return await connection.fetchval(sql)
        finally:
            await connection.close()

    return asyncio.run(ask())


def client(site: Site) -> "redis.Redis":
    return redis.Redis.from_url(redis_server.settings(site)["HELIOGRAPH_REDIS_URL"])


def test_truth_stays_over_a_stop_and_a_start_and_caches_start_empty(site: Site) -> None:
    up(site)
    query(site, "CREATE TABLE kept AS SELECT 42 AS answer")
    client(site).set("cached", "yes")
    Supervision(site.root).end()
    assert ports.busy(site.ports["postgres"]) is False
    up(site)
    assert query(site, "SELECT answer FROM kept") == 42
    assert client(site).get("cached") is None


def test_the_servers_ask_for_a_password(site: Site) -> None:
    up(site)
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=site.ports["redis"]).ping()

    async def intrude() -> None:
        await asyncpg.connect(f"postgresql://heliograph:wrong@127.0.0.1:{site.ports['postgres']}/postgres")

    with pytest.raises(asyncpg.InvalidPasswordError):
        asyncio.run(intrude())


def test_a_server_that_cannot_start_is_told_in_one_line_with_its_log(site: Site) -> None:
    postgres.prepare(site)
    (site.server("postgres") / "data/global/pg_control").unlink()
    supervision = Supervision(site.root)
    supervision.start([postgres.unit(site)])
    check = partial(readiness.SERVERS["postgres"], postgres.settings(site))
    with pytest.raises(StackError, match=r"postgres dies when started: .*(log: .*/logs/postgres\.log)") as told:
        asyncio.run(bringup.start(supervision, "postgres", check))
    assert "\n" not in str(told.value)
