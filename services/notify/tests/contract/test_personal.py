"""Inboxes handed out whole, and gone for good; deeds gone from the inboxes of others."""

import json
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from heliograph.privacy.v1 import privacy_pb2 as privacy
from heliograph.privacy.v1.privacy_pb2_grpc import (
    PersonalDataServiceStub,
    add_PersonalDataServiceServicer_to_server,
)
from kit.cassandra import Cassandra, open_cassandra
from kit.ids import first_at
from kit.postgres import Postgres, open_postgres
from kit.settings import CassandraSettings, PostgresSettings
from kit.testing import MakeDatabase, MakeKeyspace, MakeSettings, Rpc
from notify_service.model import Entry, Group, follow_by, likes_of, mention_in_post
from notify_service.rpc import PersonalRpc
from notify_service.service.personal import PersonalData
from notify_service.store.inboxes import InboxStore
from notify_service.store.markers import MarkerStore
from notify_service.store.personal import PersonalRows

MIGRATIONS = Path(__file__).parents[2] / "migrations"
ANN, BOB, CID = 11_000_001, 22_000_002, 33_000_003
NOW = datetime.now(UTC)
TABLES = ("members", "inbox", "inbox_days", "deeds")


def entry(recipient: int, group: Group, actor: int, *, days_ago: int = 0) -> Entry:
    at = NOW - timedelta(days=days_ago, minutes=1)
    return Entry(recipient, group, actor, first_at(at), at)


def talk() -> list[Entry]:
    return [
        entry(ANN, likes_of(500), BOB),
        entry(ANN, follow_by(CID), CID, days_ago=2),
        entry(BOB, likes_of(600), ANN),
        entry(BOB, likes_of(600), CID),
        entry(BOB, follow_by(ANN), ANN, days_ago=3),
        entry(BOB, follow_by(ANN), ANN, days_ago=1),
        entry(CID, mention_in_post(500), ANN),
        entry(CID, follow_by(BOB), BOB),
    ]


@pytest.fixture
async def rows(make_keyspace: MakeKeyspace, make_settings: MakeSettings) -> AsyncGenerator[Cassandra]:
    keyspace = await make_keyspace(MIGRATIONS / "cassandra")
    async with open_cassandra(make_settings(CassandraSettings, cassandra_keyspace=keyspace)) as cassandra:
        yield cassandra


@pytest.fixture
async def postgres(make_database: MakeDatabase) -> AsyncGenerator[Postgres]:
    dsn = await make_database(MIGRATIONS)
    async with open_postgres(PostgresSettings.model_validate({"postgres_dsn": dsn})) as opened:
        yield opened


@pytest.fixture
async def stub(rows: Cassandra, postgres: Postgres, rpc: Rpc) -> PersonalDataServiceStub:
    servicer = PersonalRpc(PersonalData(PersonalRows(rows, postgres), InboxStore(rows)))
    return PersonalDataServiceStub(await rpc(partial(add_PersonalDataServiceServicer_to_server, servicer)))


async def everything(rows: Cassandra) -> str:
    return "\n".join([str(await rows.execute(f"select * from {table}")) for table in TABLES])


async def put(rows: Cassandra, entries: list[Entry]) -> None:
    for one in entries:
        await InboxStore(rows).put(one)


async def erase(stub: PersonalDataServiceStub, user_id: int) -> None:
    while not (await stub.Erase(privacy.EraseRequest(user_id=user_id))).done:
        pass


async def test_an_export_holds_the_inbox(rows: Cassandra, stub: PersonalDataServiceStub) -> None:
    await put(rows, talk())
    content, token = b"", ""
    while True:
        answer = await stub.Export(privacy.ExportRequest(user_id=ANN, page_token=token))
        content += b"".join(file.content for file in answer.files)
        token = answer.next_page_token
        if not token:
            break
    told = [(one["kind"], one["actor_ids"]) for one in json.loads(content)]
    assert told == [("like", [str(BOB)]), ("follow", [str(CID)])]


async def test_an_erasure_leaves_nothing_of_the_account_and_all_of_others(
    rows: Cassandra, postgres: Postgres, stub: PersonalDataServiceStub
) -> None:
    await put(rows, talk())
    await MarkerStore(postgres).mark(ANN, 5)
    assert str(ANN) in await everything(rows)
    await erase(stub, ANN)
    assert str(ANN) not in await everything(rows)
    assert await MarkerStore(postgres).read_up_to(ANN) == 0
    inboxes = InboxStore(rows)
    assert [[member.actor_id for member in group] for group in await inboxes.members(BOB, [likes_of(600).key])] == [
        [CID]
    ]
    assert [len(group) for group in await inboxes.members(CID, [follow_by(BOB).key])] == [1]


async def test_what_is_told_late_brings_nothing_back(rows: Cassandra, stub: PersonalDataServiceStub) -> None:
    await put(rows, talk())
    await erase(stub, ANN)
    await put(rows, talk())
    await put(rows, [entry(ANN, likes_of(700), BOB), entry(BOB, likes_of(701), ANN)])
    assert str(ANN) not in await everything(rows)
    assert str(CID) in await everything(rows)


async def test_erasing_again_is_done_at_once(stub: PersonalDataServiceStub) -> None:
    await erase(stub, ANN)
    answer = await stub.Erase(privacy.EraseRequest(user_id=ANN))
    assert (answer.done, answer.removed) == (True, 0)
