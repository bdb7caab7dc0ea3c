"""`python -m notify_service serve | push | migrate`: the only place where this service is put together."""

from contextlib import AsyncExitStack
from pathlib import Path

from heliograph.events.v1.engagement_events_pb2 import EngagementEvent
from heliograph.events.v1.graph_events_pb2 import GraphEvent
from heliograph.events.v1.post_events_pb2 import PostEvent
from heliograph.events.v1.user_events_pb2 import UserEvent
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub
from heliograph.notify.v1.notify_pb2_grpc import add_NotifyServiceServicer_to_server
from heliograph.post.v1.post_pb2_grpc import PostServiceStub
from heliograph.privacy.v1.privacy_pb2_grpc import add_PersonalDataServiceServicer_to_server
from heliograph.user.v1.settings_pb2_grpc import SettingsServiceStub
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit import cassandra, migrations
from kit.cassandra import open_cassandra
from kit.client import channel
from kit.consumer import Consumer, by_topic, dispatch
from kit.postgres import open_postgres
from kit.process import Command, main
from kit.server import serve, work

from notify_service.callers import CALLERS
from notify_service.clients import People, Posts, Preferences
from notify_service.events import engagement_handlers, graph_handlers, post_handlers, user_handlers
from notify_service.rpc import NotifyRpc, PersonalRpc
from notify_service.service.notifications import InboxService, NotifyService
from notify_service.service.personal import PersonalData
from notify_service.settings import MigrateSettings, NotifySettings, PushSettings
from notify_service.store.inboxes import InboxStore
from notify_service.store.markers import MarkerStore
from notify_service.store.personal import PersonalRows

SERVICE, PERSONAL = "heliograph.notify.v1.NotifyService", "heliograph.privacy.v1.PersonalDataService"
MIGRATIONS = Path(__file__).parents[2] / "migrations"


async def serve_notify(settings: NotifySettings) -> None:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        inboxes = await enter(open_cassandra(settings))
        postgres = await enter(open_postgres(settings))
        user = UserServiceStub(
            await enter(channel(settings.user_target, service="user", caller="notify", tls=settings.tls_dir))
        )
        graph = GraphServiceStub(
            await enter(channel(settings.graph_target, service="graph", caller="notify", tls=settings.tls_dir))
        )
        post = PostServiceStub(
            await enter(channel(settings.post_target, service="post", caller="notify", tls=settings.tls_dir))
        )
        store = InboxStore(inboxes)
        personal_rpc = PersonalRpc(PersonalData(PersonalRows(inboxes, postgres), store))
        service = NotifyService(store, MarkerStore(postgres), People(user, graph), Posts(post))
        await serve(
            settings,
            "notify",
            register=[
                lambda server: add_NotifyServiceServicer_to_server(NotifyRpc(service), server),
                lambda server: add_PersonalDataServiceServicer_to_server(personal_rpc, server),
            ],
            names=[SERVICE, PERSONAL],
            callers=CALLERS,
            checks={"cassandra": inboxes.check, "postgres": postgres.check},
        )


async def push(settings: PushSettings) -> None:
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        inboxes, postgres = await enter(open_cassandra(settings)), await enter(open_postgres(settings))
        user = SettingsServiceStub(
            await enter(channel(settings.user_target, service="user", caller="push", tls=settings.tls_dir))
        )
        graph = GraphServiceStub(
            await enter(channel(settings.graph_target, service="graph", caller="push", tls=settings.tls_dir))
        )
        service = InboxService(InboxStore(inboxes), Preferences(user, graph))
        data = PersonalData(PersonalRows(inboxes, postgres), InboxStore(inboxes))
        handles = {
            "graph.v1": dispatch(GraphEvent, graph_handlers(service)),
            "engagement.v1": dispatch(EngagementEvent, engagement_handlers(service)),
            "post.v1": dispatch(PostEvent, post_handlers(service)),
            "user.v1": dispatch(UserEvent, user_handlers(data)),
        }
        consumer = Consumer(settings, group="notify.inbox", topics=list(handles), handle=by_topic(handles))
        checks = {"cassandra": inboxes.check}
        await work(settings, "notify-push", checks=checks, tasks=[consumer.run])


def migrate(settings: MigrateSettings) -> None:
    migrations.migrate(settings.postgres_dsn.get_secret_value(), MIGRATIONS)
    cassandra.migrate(settings, MIGRATIONS / "cassandra")


if __name__ == "__main__":
    main(
        "notify",
        {
            "serve": Command(NotifySettings, serve_notify),
            "push": Command(PushSettings, push, "notify-push"),
            "migrate": Command(MigrateSettings, migrate),
        },
    )
