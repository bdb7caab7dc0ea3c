"""`python -m graph_service serve | migrate`: the only place where this service is put together."""

from contextlib import AsyncExitStack
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from heliograph.graph.v1 import graph_pb2, graph_pb2_grpc
from heliograph.privacy.v1.privacy_pb2_grpc import add_PersonalDataServiceServicer_to_server
from heliograph.upkeep.v1.upkeep_pb2_grpc import add_UpkeepServiceServicer_to_server
from heliograph.user.v1.admin_pb2_grpc import AdminServiceStub
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit import migrations, server
from kit.client import channel
from kit.outbox import Outbox, open_producer
from kit.postgres import open_postgres
from kit.process import Command, main
from kit.redis import open_redis
from kit.settings import PostgresSettings

from graph_service import events
from graph_service.callers import CALLERS
from graph_service.clients import AllUsers, Users
from graph_service.rpc import personal as personal_rpc
from graph_service.rpc import upkeep as upkeep_rpc
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
from graph_service.store.mutes import EndedMutes
from graph_service.store.packed import Packed
from graph_service.store.personal import PersonalRows
from graph_service.store.relations import Relations, answers
from graph_service.store.suggestions import Suggestions as SuggestionRows
from graph_service.store.switch import Switch
from graph_service.store.tags import TagFollows
from graph_service.store.truth import Truth

NAME = graph_pb2.DESCRIPTOR.services_by_name["GraphService"].full_name
MIGRATIONS = Path(__file__).parents[2] / "migrations"


async def serve(settings: GraphSettings) -> None:
    async with AsyncExitStack() as stack:
        enter, now = stack.enter_async_context, partial(datetime.now, UTC)
        postgres = await enter(open_postgres(settings))
        redis = await enter(open_redis(settings))
        outbox = Outbox(postgres, await enter(open_producer(settings)), source="graph")
        user = await enter(channel(settings.user_target, service="user", caller="graph", tls=settings.tls_dir))
        users = Users(UserServiceStub(user))
        truth = Truth(postgres, outbox, events.event_of, now)
        relations = Relations(truth.relations, redis, Switch(postgres, partial(answers, redis)), now=now)
        counters = counters_of(redis, CountRows(postgres))
        counts, lists = Counts(counters), Lists(postgres, now)
        tags = TagFollows(postgres, outbox, events.tag_event_of)
        changes = Changes(truth, relations, counts, users, now=now, most_follows=settings.most_follows)
        news = News(changes, Accounts(postgres), lists, users)
        personal = PersonalData(truth, PersonalRows(postgres), tags, relations, counts)
        reading = Reading(relations, lists, Packed(postgres, now), counts, users)
        suggestions = Suggestions(SuggestionRows(postgres, now), relations, users)
        graph = GraphRpc(changes, reading, suggestions, Tags(tags))
        upkeep = upkeep_rpc.UpkeepRpc(AllUsers(AdminServiceStub(user)), counts)
        await server.serve(
            settings,
            "graph",
            register=[
                partial(graph_pb2_grpc.add_GraphServiceServicer_to_server, graph),
                partial(add_PersonalDataServiceServicer_to_server, personal_rpc.PersonalRpc(personal)),
                partial(add_UpkeepServiceServicer_to_server, upkeep),
            ],
            names=[NAME, personal_rpc.NAME, upkeep_rpc.NAME],
            callers=CALLERS,
            checks={"postgres": postgres.check},
            tasks=[
                outbox.run,
                counters.run_flush,
                counters.run_reconcile,
                EndedMutes(postgres, now).run,
                *events.consumers(settings, changes, news, personal),
            ],
        )


def migrate(settings: PostgresSettings) -> None:
    migrations.migrate(settings.postgres_dsn.get_secret_value(), MIGRATIONS)


if __name__ == "__main__":
    main("graph", {"serve": Command(GraphSettings, serve), "migrate": Command(PostgresSettings, migrate)})
