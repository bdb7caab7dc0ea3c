"""Exports and deletions, on real servers; other services are played by fakes that keep what they are given."""

import json
import zipfile
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import pytest_asyncio
from heliograph.events.v1.user_events_pb2 import UserEvent
from heliograph.user.v1 import factors_pb2, lifecycle_pb2_grpc, sign_in_pb2, sign_in_pb2_grpc, user_pb2
from heliograph.user.v1 import lifecycle_pb2 as pb
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.errors import (
    FailedPrecondition,
    NotFound,
    PermissionDenied,
    ResourceExhausted,
    Unauthenticated,
    Unavailable,
)
from kit.personal import Piece
from kit.postgres import Postgres
from kit.workspace import open_workspace
from redis.asyncio import Redis
from user_service.events import profile_of
from user_service.service.erasing import Erasing
from user_service.service.exporting import Exporting
from user_service.store.lifecycle import ErasureStore, ExportStore
from user_service.store.personal import EXPORTED, KEPT, NOT_EXPORTED
from user_service.wiring.accounts import accounts_of
from user_service.wiring.base import Base
from user_service.wiring.lifecycle import personal_data_of

from services.user.tests.contract.conftest import PASSWORD, Clock, Register

GRACE = timedelta(days=30)


@dataclass
class Keeper:
    """Another service: erases one thing a call, and is away for as long as it is told to be."""

    things: int = 3
    away: bool = False
    busy: bool = False
    calls: list[int] = field(default_factory=list[int])

    async def erase(self, user_id: int) -> tuple[bool, int]:
        if self.away:
            raise Unavailable("AWAY", "away", retry_after=1)
        self.calls.append(user_id)
        if self.busy:
            return False, 0
        removed = min(self.things, 1)
        self.things -= removed
        return not self.things, removed

    async def export(self, user_id: int, token: str) -> tuple[list[Piece], str]:
        if self.away:
            raise Unavailable("AWAY", "away", retry_after=1)
        if not token:
            return [Piece("posts.json", b'[{"id": "1"}'), Piece("media/1.jpg", object_key="originals/1")], "more"
        return [Piece("posts.json", b', {"id": "2"}]'), Piece("media/2.jpg", object_key="originals/lost")], ""


@dataclass
class World:
    base: Base
    stub: lifecycle_pb2_grpc.LifecycleServiceStub
    sign_in: sign_in_pb2_grpc.SignInServiceStub
    users: UserServiceStub
    keeper: Keeper
    other: Keeper
    exporting: Exporting
    erasing: Erasing

    async def delete(self, user_id: int, password: str = PASSWORD) -> Any:
        confirmation = factors_pb2.Confirmation(password=password)
        asked = pb.DeleteAccountRequest(viewer_id=user_id, confirmation=confirmation)
        return (await self.stub.DeleteAccount(asked)).delete_after

    async def export(self, user_id: int) -> pb.Export:
        return (await self.stub.GetExport(pb.GetExportRequest(viewer_id=user_id))).export

    async def log_in(self, login: str, *, cancel_deletion: bool = False) -> user_pb2.CreateSessionResponse:
        asked = user_pb2.CreateSessionRequest(login=login, password=PASSWORD, cancel_deletion=cancel_deletion)
        return await self.users.CreateSession(asked)

    async def letters(self) -> list[str]:
        rows = await self.base.postgres.primary.fetch("select template from mail_queue order by mail_id")
        return [row["template"] for row in rows]


@pytest_asyncio.fixture
async def world(base: Base, channel: grpc.aio.Channel, clock: Clock, tmp_path: Path) -> AsyncGenerator[World]:
    keeper, other = Keeper(), Keeper(things=0)
    lease = timedelta(seconds=60)
    erasing = Erasing(
        base.outbox,
        base.accounts,
        ErasureStore(base.postgres),
        personal_data_of(base),
        {"keeper": keeper, "other": other},
        clock,
        lease=lease,
        poll=1,
    )
    async with AsyncExitStack() as stack:
        exporting = Exporting(
            base.outbox,
            base.accounts,
            ExportStore(base.postgres),
            base.mail,
            base.bucket,
            stack.enter_context(open_workspace(tmp_path / "exports")),
            {"account": personal_data_of(base), "post": keeper},
            lambda: "random",
            clock,
            life=timedelta(days=7),
            lease=lease,
            poll=1,
        )
        yield World(
            base,
            lifecycle_pb2_grpc.LifecycleServiceStub(channel),
            sign_in_pb2_grpc.SignInServiceStub(channel),
            UserServiceStub(channel),
            keeper,
            other,
            exporting,
            erasing,
        )


async def request(world: World, user_id: int) -> pb.Export:
    origin = sign_in_pb2.Origin(address="203.0.113.7", user_agent="test")
    asked = pb.RequestExportRequest(viewer_id=user_id, origin=origin)
    return (await world.stub.RequestExport(asked)).export


async def objects(world: World) -> list[str]:
    return [entry.key async for entry in world.base.bucket.list("exports/")]


async def unpacked(link: str, tmp_path: Path) -> dict[str, bytes]:
    async with httpx.AsyncClient() as client:
        answer = await client.get(link)
    assert answer.status_code == 200, answer.text
    assert "attachment" in answer.headers["content-disposition"]
    assert "no-store" in answer.headers["cache-control"]
    path = tmp_path / "downloaded.zip"
    path.write_bytes(answer.content)
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


async def test_an_export_is_collected_from_all_and_told_of(world: World, register: Register, tmp_path: Path):
    anna = (await register()).profile.id
    await world.base.bucket.put("originals/1", b"a picture", content_type="image/jpeg")
    assert (await request(world, anna)).state == pb.EXPORT_STATE_WAITING
    assert await world.exporting.advance()
    export = await world.export(anna)
    assert (export.state, export.progress) == (pb.EXPORT_STATE_READY, 100)
    files = await unpacked(export.link, tmp_path)
    assert json.loads(files["account/accounts.json"])[0]["email"] == "anna@example.org"
    assert [post["id"] for post in json.loads(files["post/posts.json"])] == ["1", "2"]
    assert files["post/media/1.jpg"] == b"a picture"
    assert json.loads(files["about.json"])["missing"] == ["post/media/2.jpg"]
    assert [event["kind"] for event in json.loads(files["account/security_events.json"])] == ["export_requested"]
    assert "export_ready" in await world.letters()
    assert not await world.exporting.advance()


async def test_no_secret_leaves_with_an_export(world: World, register: Register, tmp_path: Path):
    anna = (await register()).profile.id
    await world.log_in("anna")
    await request(world, anna)
    await world.exporting.advance()
    files = await unpacked((await world.export(anna)).link, tmp_path)
    content = b"".join(files.values())
    assert b"argon2" not in content
    assert b"hash" not in content


async def test_there_is_one_export_at_a_time_and_not_soon_another(world: World, register: Register, clock: Clock):
    anna = (await register()).profile.id
    first = await request(world, anna)
    assert (await request(world, anna)).id == first.id
    await world.exporting.advance()
    with pytest.raises(ResourceExhausted) as caught:
        await request(world, anna)
    assert caught.value.reason == "TOO_MANY_EXPORTS"
    clock.move(hours=25)
    assert (await request(world, anna)).id != first.id


async def test_an_archive_goes_after_a_week(world: World, register: Register, clock: Clock):
    anna = (await register()).profile.id
    await request(world, anna)
    await world.exporting.advance()
    assert await objects(world) == ["exports/random/heliograph-export.zip"]
    clock.move(days=7)
    await world.exporting.advance()
    export = await world.export(anna)
    assert (export.state, export.link) == (pb.EXPORT_STATE_EXPIRED, "")
    assert not await objects(world)


async def test_whoever_goes_on_after_a_kill_writes_the_same_archive(
    world: World, register: Register, postgres: Postgres
):
    anna = (await register()).profile.id
    await request(world, anna)
    world.keeper.away = True
    with pytest.raises(Unavailable):
        await world.exporting.advance()
    assert (await world.export(anna)).state == pb.EXPORT_STATE_COLLECTING
    world.keeper.away = False
    assert not await world.exporting.advance()  # it is somebody's until the claim ends
    await postgres.primary.execute("update exports set claimed_until = now()")
    assert await world.exporting.advance()
    assert await objects(world) == ["exports/random/heliograph-export.zip"]


async def test_an_export_that_never_succeeds_is_given_up(world: World, register: Register, postgres: Postgres):
    anna = (await register()).profile.id
    await request(world, anna)
    world.keeper.away = True
    for _ in range(5):
        with pytest.raises(Unavailable):
            await world.exporting.advance()
        await postgres.primary.execute("update exports set claimed_until = now()")
    assert await world.exporting.advance()
    assert (await world.export(anna)).state == pb.EXPORT_STATE_FAILED
    assert (await request(world, anna)).state == pb.EXPORT_STATE_WAITING


async def test_nobody_has_an_export_who_never_asked(world: World, register: Register):
    anna = (await register()).profile.id
    with pytest.raises(NotFound) as caught:
        await world.export(anna)
    assert caught.value.reason == "EXPORT_NOT_FOUND"


async def test_a_deletion_takes_the_password_and_hides_the_account(world: World, register: Register, clock: Clock):
    anna = (await register()).profile.id
    with pytest.raises(Unauthenticated):
        await world.delete(anna, "not the password")
    delete_after = await world.delete(anna)
    assert delete_after.ToDatetime(tzinfo=clock().tzinfo) == pytest.approx(clock() + GRACE, abs=timedelta(seconds=1))
    (profile,) = (await world.users.BatchGetProfiles(user_pb2.BatchGetProfilesRequest(ids=[anna]))).profiles
    assert profile.state == user_pb2.ACCOUNT_STATE_DELETED
    with pytest.raises(PermissionDenied) as caught:
        await world.log_in("anna")
    assert caught.value.reason == "ACCOUNT_DELETION_PENDING"
    assert "deletion_requested" in await world.letters()


async def test_who_holds_a_role_gives_it_away_first(world: World, register: Register, postgres: Postgres):
    anna = (await register()).profile.id
    await postgres.primary.execute("update accounts set role = 3")
    with pytest.raises(FailedPrecondition) as caught:
        await world.delete(anna)
    assert caught.value.reason == "ADMIN_ACCOUNT"


async def test_a_deletion_that_is_called_off_is_none(world: World, register: Register, clock: Clock):
    anna = (await register()).profile.id
    await world.delete(anna)
    assert (await world.log_in("anna", cancel_deletion=True)).profile.id == anna
    clock.move(days=31)
    assert not await world.erasing.advance()
    await world.delete(anna)
    clock.move(days=31)
    assert await world.erasing.advance()


async def test_an_erasure_leaves_nothing_but_a_tombstone(
    world: World, register: Register, clock: Clock, postgres: Postgres, redis: Redis
):
    anna = (await register()).profile.id
    ben = (await register("ben")).profile.id
    await world.log_in("anna")
    await request(world, anna)
    await world.exporting.advance()
    await world.delete(anna)
    clock.move(days=31)
    before = await rows_of(postgres, anna)
    assert {"accounts", "usernames", "emails", "sessions", "security_events", "exports", "mail_queue"} <= set(before)
    assert await world.erasing.advance()
    assert set(await rows_of(postgres, anna)) == {"erasures"}
    assert not await objects(world)
    assert not await redis.exists(f"user:profile:{{{anna}}}") or await redis.ttl(f"user:profile:{{{anna}}}") <= 10
    assert world.keeper.calls == [anna] * 3
    assert (await rows_of(postgres, ben))["accounts"] == 1
    events = await postgres.primary.fetch("select payload from outbox where key = $1 order by id", str(anna))
    assert UserEvent.FromString(events[-1]["payload"]).account_erased.user_id == anna
    assert (await register("anna")).profile.id != anna  # the name is free


async def test_what_is_told_late_does_not_come_back_into_the_cache(
    world: World, register: Register, clock: Clock, redis: Redis
):
    account = await register()
    await world.delete(account.profile.id)
    clock.move(days=31)
    await world.erasing.advance()
    await accounts_of(world.base).refresh_cache(profile_of(account.profile))
    found = await world.users.BatchGetProfiles(user_pb2.BatchGetProfilesRequest(ids=[account.profile.id]))
    assert not found.profiles


async def test_an_outage_of_one_service_leaves_the_account_until_all_are_done(
    world: World, register: Register, clock: Clock, postgres: Postgres
):
    anna = (await register()).profile.id
    await world.delete(anna)
    clock.move(days=31)
    world.keeper.away = True
    assert await world.erasing.advance()
    assert world.other.calls == [anna]
    assert (await rows_of(postgres, anna))["accounts"] == 1
    with pytest.raises(Unauthenticated):
        await world.log_in("anna", cancel_deletion=True)
    world.keeper.away = False
    assert not await world.erasing.advance()
    clock.move(seconds=31)
    world.keeper.busy = True
    assert await world.erasing.advance()
    world.keeper.busy = False
    clock.move(seconds=31)
    assert await world.erasing.advance()
    assert set(await rows_of(postgres, anna)) == {"erasures"}


async def test_an_erased_account_is_looked_for_again_for_some_days(world: World, register: Register, clock: Clock):
    anna = (await register()).profile.id
    await world.delete(anna)
    clock.move(days=31)
    await world.erasing.advance()
    calls = len(world.other.calls)
    for wait in ({"minutes": 1}, {"hours": 1}, {"days": 1}, {"days": 8}):
        assert not await world.erasing.advance()
        clock.move(**wait)
        assert await world.erasing.advance()
    assert len(world.other.calls) == calls + 4
    clock.move(days=365)
    assert not await world.erasing.advance()


async def test_every_table_is_either_exported_or_left_out_for_a_reason(postgres: Postgres):
    tables = await postgres.primary.fetch("select tablename from pg_tables where schemaname = 'public'")
    names = {row["tablename"] for row in tables}
    assert names == set(EXPORTED) | set(NOT_EXPORTED)
    assert not set(EXPORTED) & set(NOT_EXPORTED)
    assert set(KEPT) <= names


async def test_no_column_of_an_account_is_out_of_an_erasure_s_reach(postgres: Postgres):
    """Whoever adds a table about accounts gives it a user_id, or says here how its rows go."""
    known = {
        "apps.owner_id": "deleted one by one, with what they were granted",
        "audit.actor_id": "kept: who did it",
    }
    not_accounts = {"session_id", "login_id", "app_id", "secret_id", "event_id", "mail_id", "export_id", "entry_id"}
    not_accounts |= {"request_id", "passkey_id", "challenge_id", "code_id", "change_id"}
    columns = await postgres.primary.fetch(
        "select table_name, column_name from information_schema.columns where table_schema = 'public' "
        "and data_type = 'bigint' and column_name like '%\\_id'"
    )
    unknown = {f"{table}.{column}" for table, column in columns if column != "user_id" and column not in not_accounts}
    assert unknown == set(known)


async def rows_of(postgres: Postgres, user_id: int) -> dict[str, int]:
    tables = await postgres.primary.fetch(
        "select table_name from information_schema.columns where table_schema = 'public' and column_name = 'user_id'"
    )
    found = {
        row["table_name"]: await postgres.primary.fetchval(
            f'select count(*) from "{row["table_name"]}" where user_id = $1', user_id
        )
        for row in tables
    }
    return {table: count for table, count in found.items() if count}
