"""The service with the real stores, in two processes as it were; only the user service is a fake."""

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from functools import partial

from graph_service.events import event_of
from graph_service.model import Account
from graph_service.rpc import GraphRpc
from graph_service.service import Graph
from graph_service.settings import GraphSettings
from graph_service.store.counts import CountRows, Counts, counters_of
from graph_service.store.lists import Lists
from graph_service.store.relations import Relations, answers
from graph_service.store.switch import Switch
from graph_service.store.truth import Truth
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub, add_GraphServiceServicer_to_server
from kit.outbox import Outbox, open_producer
from kit.postgres import Postgres, open_postgres
from kit.redis import open_redis
from kit.testing import Rpc


@dataclass
class FakeUsers:
    """Accounts 1 to 99 exist and are public, unless told otherwise."""

    private: set[int] = field(default_factory=set[int])

    async def account(self, user_id: int) -> Account | None:
        return Account(user_id, user_id in self.private) if 1 <= user_id <= 99 else None


@dataclass(frozen=True)
class Peer:
    """One process of the service."""

    graph: Graph
    stub: GraphServiceStub
    outbox: Outbox
    truth: Truth


@dataclass(frozen=True)
class World:
    settings: GraphSettings
    postgres: Postgres
    users: FakeUsers
    one: Peer
    other: Peer
    """Of the same stores."""


async def peer(stack: AsyncExitStack, settings: GraphSettings, users: FakeUsers, rpc: Rpc) -> Peer:
    postgres = await stack.enter_async_context(open_postgres(settings))
    redis = await stack.enter_async_context(open_redis(settings))
    outbox = Outbox(postgres, await stack.enter_async_context(open_producer(settings)), source="graph")
    truth = Truth(postgres, outbox, event_of)
    relations = Relations(truth.relations, redis, Switch(postgres, partial(answers, redis)))
    counts = Counts(counters_of(redis, CountRows(postgres)))
    graph = Graph(truth, relations, Lists(postgres), counts, users)
    channel = await rpc(partial(add_GraphServiceServicer_to_server, GraphRpc(graph)))
    return Peer(graph, GraphServiceStub(channel), outbox, truth)
