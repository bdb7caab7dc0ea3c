"""`python -m search_service serve | index | migrate`: the only place where this service is put together."""

import sys
from contextlib import AsyncExitStack

from heliograph.events.v1.post_events_pb2 import PostEvent
from heliograph.events.v1.user_events_pb2 import UserEvent
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub
from heliograph.post.v1.post_pb2_grpc import PostServiceStub
from heliograph.search.v1.search_pb2_grpc import add_SearchServiceServicer_to_server
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit.client import channel
from kit.consumer import Consumer, dispatch
from kit.process import run
from kit.server import serve, work
from kit.settings import load

from search_service.clients import Graph, Posts, Users
from search_service.events import post_handlers, user_handlers
from search_service.rpc import SearchRpc
from search_service.service import IndexService, SearchService
from search_service.settings import IndexSettings, SearchSettings
from search_service.store import Layout, open_index

SERVICE = "heliograph.search.v1.SearchService"


def layout(settings: SearchSettings) -> Layout:
    return Layout(settings.search_index_prefix, settings.search_shards, settings.search_replicas)


async def serve_search() -> None:
    settings = load(SearchSettings)
    async with AsyncExitStack() as stack:
        index = await stack.enter_async_context(open_index(settings.elasticsearch_url, layout(settings)))
        user = await stack.enter_async_context(channel(settings.user_target, service="user", caller="search"))
        graph = await stack.enter_async_context(channel(settings.graph_target, service="graph", caller="search"))
        post = await stack.enter_async_context(channel(settings.post_target, service="post", caller="search"))
        service = SearchService(
            index, Users(UserServiceStub(user)), Graph(GraphServiceStub(graph)), Posts(PostServiceStub(post))
        )
        await serve(
            settings,
            "search",
            register=[lambda server: add_SearchServiceServicer_to_server(SearchRpc(service), server)],
            names=[SERVICE],
            checks={"elasticsearch": index.check},
        )


async def keep_index() -> None:
    settings = load(IndexSettings)
    async with AsyncExitStack() as stack:
        index = await stack.enter_async_context(open_index(settings.elasticsearch_url, layout(settings)))
        user = await stack.enter_async_context(channel(settings.user_target, service="user", caller="search-index"))
        service = IndexService(index, Users(UserServiceStub(user)))
        users = Consumer(
            settings,
            group="search.users",
            topics=[f"{settings.topic_prefix}user.v1"],
            handle=dispatch(UserEvent, user_handlers(service)),
        )
        posts = Consumer(
            settings,
            group="search.posts",
            topics=[f"{settings.topic_prefix}post.v1"],
            handle=dispatch(PostEvent, post_handlers(service)),
        )
        await work(settings, "search-index", checks={"elasticsearch": index.check}, tasks=[users.run, posts.run])


async def migrate() -> None:
    settings = load(SearchSettings)
    async with open_index(settings.elasticsearch_url, layout(settings)) as index:
        await index.migrate()


COMMANDS = {"serve": serve_search, "index": keep_index, "migrate": migrate}


if __name__ == "__main__":
    command = sys.argv[1] if len(sys.argv) == 2 else ""  # noqa: PLR2004
    if command not in COMMANDS:
        sys.exit(f"usage: python -m search_service {' | '.join(COMMANDS)}")
    run(COMMANDS[command])
