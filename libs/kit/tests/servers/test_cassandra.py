import asyncio
import threading
from pathlib import Path

import pytest
from cassandra import InvalidRequest, OperationTimedOut
from cassandra.cluster import NoHostAvailable
from kit import deadline
from kit.cassandra import Cassandra, migrate, open_cassandra
from kit.cql import blocking_session
from kit.errors import Unavailable, from_exception
from kit.settings import CassandraSettings
from kit.testing import MakeKeyspace, MakeSettings, eventually

CQL = Path(__file__).parent / "cql"
INSERT = "insert into rows_by_owner (owner, number, note) values (?, ?, ?)"
SELECT = "select number, note from rows_by_owner where owner = ?"


@pytest.fixture
async def settings(make_settings: MakeSettings, make_keyspace: MakeKeyspace) -> CassandraSettings:
    return make_settings(CassandraSettings, cassandra_keyspace=await make_keyspace(CQL))


async def test_a_thousand_writes_at_once_are_all_there(settings: CassandraSettings) -> None:
    async with open_cassandra(settings) as cassandra:
        await asyncio.gather(*(cassandra.execute(INSERT, (1, n, "x")) for n in range(1000)))
        assert len(await cassandra.execute(SELECT, (1,))) == 1000


async def test_writes_that_go_together_are_all_done_or_raise(settings: CassandraSettings) -> None:
    async with open_cassandra(settings) as cassandra:
        insert = await cassandra.prepare(INSERT)
        await cassandra.write([])
        await cassandra.write([insert.bind((3, n, "x")) for n in range(100)])
        assert len(await cassandra.execute(SELECT, (3,))) == 100
        with pytest.raises(InvalidRequest):
            await cassandra.write([insert.bind((3, 100, "x")), "select nothing from nowhere"])


async def test_results_longer_than_a_page_come_whole(settings: CassandraSettings) -> None:
    async with open_cassandra(settings) as cassandra:
        await asyncio.gather(*(cassandra.execute(INSERT, (2, n, "x")) for n in range(250)))
        (await cassandra.connected()).default_fetch_size = 100
        rows = await cassandra.execute(SELECT, (2,))
    assert [row.number for row in rows] == list(range(250))


async def test_each_test_gets_an_empty_keyspace(settings: CassandraSettings) -> None:
    async with open_cassandra(settings) as cassandra:
        assert await cassandra.execute("select * from rows_by_owner") == []


async def test_a_text_is_prepared_once(settings: CassandraSettings) -> None:
    async with open_cassandra(settings) as cassandra:
        first, second = await asyncio.gather(cassandra.prepare(SELECT), cassandra.prepare(SELECT))
    assert first is second


async def test_a_late_answer_is_an_outage(settings: CassandraSettings) -> None:
    async with open_cassandra(settings) as cassandra:
        await cassandra.connected()
        with pytest.raises(Exception) as caught, deadline.within(0.000001):  # noqa: PT011 the driver's own class
            await cassandra.execute("select * from rows_by_owner")
    assert isinstance(from_exception(caught.value), Unavailable)


async def test_it_starts_while_the_servers_are_down(settings: CassandraSettings) -> None:
    down = settings.model_copy(update={"cassandra_contact_points": ("127.0.0.1:1",)})
    async with open_cassandra(down) as cassandra:
        with pytest.raises(Unavailable):
            await cassandra.check()


async def test_it_connects_once_the_keyspace_exists(settings: CassandraSettings) -> None:
    later = settings.model_copy(update={"cassandra_keyspace": f"{settings.cassandra_keyspace}_later"})

    async def answers(cassandra: Cassandra) -> bool:
        try:
            await cassandra.check()
        except Unavailable:
            return False
        return True

    async with open_cassandra(later) as cassandra:
        assert not await answers(cassandra)
        await asyncio.to_thread(migrate, later, CQL)
        assert await eventually(lambda: answers(cassandra))
    await asyncio.to_thread(drop, later)


def drop(settings: CassandraSettings) -> None:
    with blocking_session(settings) as session:
        session.execute(f"drop keyspace {settings.cassandra_keyspace}")


async def test_migrations_run_twice_and_at_once_apply_each_file_once(
    settings: CassandraSettings, tmp_path: Path
) -> None:
    (tmp_path / "0001_first.cql").write_text("create table if not exists first (id bigint primary key);")
    (tmp_path / "0002_second.cql").write_text("alter table first add size int;")  # would fail if repeated
    threads = [threading.Thread(target=migrate, args=(settings, tmp_path)) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        await asyncio.to_thread(thread.join)
    await asyncio.to_thread(migrate, settings, tmp_path)
    async with open_cassandra(settings) as cassandra:
        names = {row.name for row in await cassandra.execute("select name from schema_version")}
        assert {"0001_first.cql", "0002_second.cql"} <= names
        assert await cassandra.execute("select id, size from first") == []
        await cassandra.execute("drop table first")


def forget_nodes(cassandra: Cassandra) -> None:
    """As the driver does now and then when a node comes back while it is still busy with the loss of it: the node
    counts as up, so nobody looks for it, and there is no connection to it."""
    session = cassandra.session
    for node in session.cluster.metadata.all_hosts():
        session.cluster.profile_manager.on_down(node)
        session.remove_pool(node)


async def test_a_session_whose_driver_has_lost_all_nodes_is_replaced(
    settings: CassandraSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.cassandra._UNANSWERED_SECONDS", 0.5)
    async with open_cassandra(settings) as cassandra:
        await cassandra.execute(INSERT, (4, 1, "x"))
        forget_nodes(cassandra)

        async def answers() -> bool:
            try:
                return len(await cassandra.execute(SELECT, (4,))) == 1
            except NoHostAvailable:
                return False

        assert not await answers()
        await eventually(answers, timeout=30)
        insert = await cassandra.prepare(INSERT)
        await cassandra.write([insert.bind((4, 2, "x"))])
        assert len(await cassandra.execute(SELECT, (4,))) == 2


async def test_what_the_driver_forgets_is_an_outage(
    settings: CassandraSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("kit.cql_calls._FORGOTTEN_SECONDS", 0.0)
    async with open_cassandra(settings) as cassandra:
        with pytest.raises(OperationTimedOut) as caught:
            await cassandra.execute(SELECT, (5,))
    assert isinstance(from_exception(caught.value), Unavailable)
