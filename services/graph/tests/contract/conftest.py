"""GraphService over real in-process servers."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from graph_service import events
from graph_service.settings import GraphSettings
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub
from kit.consumer import Consumer, Delivery
from kit.postgres import open_postgres
from kit.testing import MakeDatabase, MakeSettings, MakeTopics, Rpc

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


@pytest.fixture
async def running(make_topics: MakeTopics, world: World) -> AsyncGenerator[list[Delivery]]:
    """Relay and consumers as in production, and all that came over the topic."""
    await make_topics(events.TOPIC, events.USER_TOPIC)
    heard: list[Delivery] = []

    async def hear(delivery: Delivery) -> None:
        heard.append(delivery)

    ears = Consumer(world.settings, group="test.ears", topics=[events.TOPIC], handle=hear)
    other = world.other
    runs = [
        world.one.outbox.run,
        ears.run,
        *events.consumers(world.settings, other.changes, other.news, other.personal),
    ]
    tasks = [asyncio.ensure_future(run()) for run in runs]
    yield heard
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
