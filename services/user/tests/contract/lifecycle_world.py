"""The user service with two other services beside it, which are fakes and keep what they are given."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import grpc
import pytest_asyncio
from heliograph.user.v1 import factors_pb2, lifecycle_pb2_grpc, user_pb2
from heliograph.user.v1 import lifecycle_pb2 as pb
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.errors import Unavailable
from kit.personal import Piece
from kit.postgres import Postgres
from kit.workspace import open_workspace
from user_service.service.erasing import Erasing
from user_service.service.exporting import Exporting
from user_service.store.lifecycle import ErasureStore, ExportStore
from user_service.wiring.base import Base
from user_service.wiring.lifecycle import personal_data_of

from services.user.tests.contract.conftest import PASSWORD, Clock


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


@pytest_asyncio.fixture(name="world")
async def make_world(base: Base, channel: grpc.aio.Channel, clock: Clock, tmp_path: Path) -> AsyncGenerator[World]:
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
            UserServiceStub(channel),
            keeper,
            other,
            exporting,
            erasing,
        )


async def request(world: World, user_id: int) -> pb.Export:
    asked = pb.RequestExportRequest(viewer_id=user_id)
    return (await world.stub.RequestExport(asked)).export


async def objects(world: World) -> list[str]:
    return [entry.key async for entry in world.base.bucket.list("exports/")]


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
