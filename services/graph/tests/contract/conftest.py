"""GraphService over real in-process servers."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from graph_service.settings import GraphSettings
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub
from kit.postgres import open_postgres
from kit.testing import MakeDatabase, MakeSettings, Rpc

from services.graph.tests.world import Clock, FakeUsers, World, peer

MIGRATIONS = Path(__file__).parents[2] / "migrations"


@pytest.fixture
def users() -> FakeUsers:
    return FakeUsers()


@pytest.fixture
async def settings(
    make_database: MakeDatabase, make_settings: MakeSettings, redis_url: str, topic_prefix: str
) -> GraphSettings:
    dsn = await make_database(MIGRATIONS)
    return make_settings(
        GraphSettings, postgres_dsn=dsn, redis_url=redis_url, topic_prefix=topic_prefix, user_target="127.0.0.1:1"
    )


@pytest.fixture
async def world(settings: GraphSettings, users: FakeUsers, rpc: Rpc) -> AsyncGenerator[World]:
    async with AsyncExitStack() as stack:
        postgres = await stack.enter_async_context(open_postgres(settings))
        clock = Clock()
        one, other = [await peer(stack, settings, users, clock, rpc) for _ in range(2)]
        yield World(settings, postgres, users, clock, one, other)


@pytest.fixture
def stub(world: World) -> GraphServiceStub:
    return world.one.stub
