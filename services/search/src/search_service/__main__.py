"""`python -m search_service serve | index | migrate`: the only place where this service is put together."""

from contextlib import AbstractAsyncContextManager, AsyncExitStack

from heliograph.events.v1.post_events_pb2 import PostEvent
from heliograph.events.v1.user_events_pb2 import UserEvent
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub
from heliograph.post.v1.post_pb2_grpc import PostServiceStub
from heliograph.post.v1.scan_pb2_grpc import ScanServiceStub
from heliograph.privacy.v1.privacy_pb2_grpc import add_PersonalDataServiceServicer_to_server
from heliograph.search.v1.search_pb2_grpc import add_SearchServiceServicer_to_server
from heliograph.upkeep.v1.upkeep_pb2_grpc import add_UpkeepServiceServicer_to_server
from heliograph.user.v1.admin_pb2_grpc import AdminServiceStub
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.client import channel
from kit.consumer import Consumer, by_topic, dispatch
from kit.process import Command, main
from kit.server import serve, work

from search_service.callers import CALLERS
from search_service.clients import Graph, Posts, Truth, Users
from search_service.events import post_handlers, user_handlers
from search_service.rpc import PersonalRpc, SearchRpc, UpkeepRpc
from search_service.service import IndexService, Rebuild, SearchService
from search_service.settings import IndexSettings, MigrateSettings, SearchSettings
from search_service.store.index import Index, open_index
from search_service.store.layout import Layout

SERVICE, PERSONAL = "heliograph.search.v1.SearchService", "heliograph.privacy.v1.PersonalDataService"
UPKEEP = "heliograph.upkeep.v1.UpkeepService"


def layout(settings: MigrateSettings) -> Layout:
    return Layout(settings.search_index_prefix, settings.search_shards, settings.search_replicas)


def opened(settings: MigrateSettings) -> AbstractAsyncContextManager[Index]:
    return open_index(settings.elasticsearch_url, layout(settings), **settings.elasticsearch_access)


async def serve_search(settings: SearchSettings) -> None:
    async with AsyncExitStack() as stack:
        index = await stack.enter_async_context(opened(settings))
        user = await stack.enter_async_context(
            channel(settings.user_target, service="user", caller="search", tls=settings.tls_dir)
        )
        graph = await stack.enter_async_context(
            channel(settings.graph_target, service="graph", caller="search", tls=settings.tls_dir)
        )
        post = await stack.enter_async_context(
            channel(settings.post_target, service="post", caller="search", tls=settings.tls_dir)
        )
        service = SearchService(
            index, Users(UserServiceStub(user)), Graph(GraphServiceStub(graph)), Posts(PostServiceStub(post))
        )
        truth = Truth(UserServiceStub(user), AdminServiceStub(user), ScanServiceStub(post))
        upkeep = UpkeepRpc(Rebuild(truth, index.rebuilding))
        await serve(
            settings,
            "search",
            register=[
                lambda server: add_SearchServiceServicer_to_server(SearchRpc(service), server),
                lambda server: add_PersonalDataServiceServicer_to_server(PersonalRpc(index), server),
                lambda server: add_UpkeepServiceServicer_to_server(upkeep, server),
            ],
            names=[SERVICE, PERSONAL, UPKEEP],
            callers=CALLERS,
            checks={"elasticsearch": index.check},
        )


async def keep_index(settings: IndexSettings) -> None:
    async with AsyncExitStack() as stack:
        index = await stack.enter_async_context(opened(settings))
        user = await stack.enter_async_context(
            channel(settings.user_target, service="user", caller="search-index", tls=settings.tls_dir)
        )
        service = IndexService(index, Users(UserServiceStub(user)))
        handles = {
            "user.v1": dispatch(UserEvent, user_handlers(service)),
            "post.v1": dispatch(PostEvent, post_handlers(service)),
        }
        consumer = Consumer(settings, group="search.index", topics=list(handles), handle=by_topic(handles))
        checks = {"elasticsearch": index.check}
        await work(settings, "search-index", checks=checks, tasks=[consumer.run])


async def migrate(settings: MigrateSettings) -> None:
    async with opened(settings) as index:
        await index.migrate()


if __name__ == "__main__":
    main(
        "search",
        {
            "serve": Command(SearchSettings, serve_search),
            "index": Command(IndexSettings, keep_index, "search-index"),
            "migrate": Command(MigrateSettings, migrate),
        },
    )
