"""The service with the real stores, in two processes as it were; only the user service and the clock are fakes."""

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial

from graph_service.events import event_of, tag_event_of
from graph_service.model.relations import Account
from graph_service.rpc.servicer import GraphRpc
from graph_service.service.changes import Changes
from graph_service.service.news import News
from graph_service.service.personal import PersonalData
from graph_service.service.reading import Reading
from graph_service.service.suggestions import Suggestions
from graph_service.service.tags import Tags
from graph_service.settings import GraphSettings
from graph_service.store.accounts import Accounts
from graph_service.store.counts import CountRows, Counts, counters_of
from graph_service.store.lists import Lists
from graph_service.store.packed import Packed
from graph_service.store.personal import PersonalRows
from graph_service.store.relations import Relations, answers
from graph_service.store.suggestions import Suggestions as SuggestionRows
from graph_service.store.switch import Switch
from graph_service.store.tags import TagFollows
from graph_service.store.truth import Truth
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub, add_GraphServiceServicer_to_server
from kit.outbox import Outbox, open_producer
from kit.postgres import Postgres, open_postgres
from kit.redis import open_redis
from kit.testing import Rpc

MOST_FOLLOWS = 90


@dataclass
class FakeUsers:
    """Accounts 1 to 99 exist and are public, unless told otherwise."""

    private: set[int] = field(default_factory=set[int])
    inactive: set[int] = field(default_factory=set[int])
    versions: dict[int, int] = field(default_factory=dict[int, int])
    seen: Callable[[], Awaitable[None]] | None = None
    """Comes after an account has been looked at and before whoever looked hears of it."""

    async def account(self, user_id: int) -> Account | None:
        found = self.known(user_id) if 1 <= user_id <= 99 and user_id not in self.inactive else None
        if self.seen:
            await self.seen()
        return found

    def known(self, user_id: int) -> Account:
        """As the user service's events tell of it."""
        return Account(user_id, user_id in self.private, self.versions.get(user_id, 0))


@dataclass
class Clock:
    """The time that counts for the ends of mutes."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __call__(self) -> datetime:
        return self.now

    def forward(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@dataclass(frozen=True)
class Peer:
    """One process of the service."""

    changes: Changes
    news: News
    stub: GraphServiceStub
    outbox: Outbox
    truth: Truth
    personal: PersonalData


@dataclass(frozen=True)
class World:
    settings: GraphSettings
    postgres: Postgres
    users: FakeUsers
    clock: Clock
    one: Peer
    other: Peer
    """Of the same stores."""


async def peer(stack: AsyncExitStack, settings: GraphSettings, users: FakeUsers, clock: Clock, rpc: Rpc) -> Peer:
    postgres = await stack.enter_async_context(open_postgres(settings))
    redis = await stack.enter_async_context(open_redis(settings))
    outbox = Outbox(postgres, await stack.enter_async_context(open_producer(settings)), source="graph")
    truth = Truth(postgres, outbox, event_of, clock)
    relations = Relations(truth.relations, redis, Switch(postgres, partial(answers, redis)), now=clock)
    counts, lists = Counts(counters_of(redis, CountRows(postgres))), Lists(postgres, clock)
    changes = Changes(truth, relations, counts, users, now=clock, most_follows=MOST_FOLLOWS)
    news = News(changes, Accounts(postgres), lists, users)
    tags = TagFollows(postgres, outbox, tag_event_of)
    personal = PersonalData(truth, PersonalRows(postgres), tags, relations, counts)
    suggestions = Suggestions(SuggestionRows(postgres, clock), relations, users)
    reading = Reading(relations, lists, Packed(postgres, clock), counts, users)
    graph = GraphRpc(changes, reading, suggestions, Tags(tags))
    channel = await rpc(partial(add_GraphServiceServicer_to_server, graph))
    return Peer(changes, news, GraphServiceStub(channel), outbox, truth, personal)
