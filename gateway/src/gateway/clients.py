"""The services that the gateway speaks to."""

from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import grpc
from heliograph.feed.v1.feed_pb2_grpc import FeedServiceStub
from heliograph.graph.v1.graph_pb2_grpc import GraphServiceStub
from heliograph.notify.v1.notify_pb2_grpc import NotifyServiceStub
from heliograph.post.v1.post_pb2_grpc import PostServiceStub
from heliograph.search.v1.search_pb2_grpc import SearchServiceStub
from heliograph.user.v1.admin_pb2_grpc import AdminServiceStub
from heliograph.user.v1.credentials_pb2_grpc import CredentialServiceStub
from heliograph.user.v1.factors_pb2_grpc import FactorServiceStub
from heliograph.user.v1.lifecycle_pb2_grpc import LifecycleServiceStub
from heliograph.user.v1.oauth_pb2_grpc import OAuthServiceStub
from heliograph.user.v1.settings_pb2_grpc import AvatarServiceStub, SettingsServiceStub
from heliograph.user.v1.sign_in_pb2_grpc import SignInServiceStub
from heliograph.user.v1.user_pb2_grpc import UserServiceStub
from kit import client
from kit.many import Batcher

from gateway.settings import GatewaySettings

_LONGEST_SECONDS = 60.0


@dataclass(frozen=True)
class Services:
    """`home` is the feed service, too, for what is asked for most: its calls go out together."""

    user: UserServiceStub
    settings: SettingsServiceStub
    avatars: AvatarServiceStub
    graph: GraphServiceStub
    post: PostServiceStub
    feed: FeedServiceStub
    home: Batcher
    notify: NotifyServiceStub
    search: SearchServiceStub
    admin: AdminServiceStub
    credentials: CredentialServiceStub
    factors: FactorServiceStub
    lifecycle: LifecycleServiceStub
    sign_in: SignInServiceStub
    oauth: OAuthServiceStub


@asynccontextmanager
async def open_services(settings: GatewaySettings) -> AsyncGenerator[Services]:
    """Connects lazily: none of them need be up."""
    async with AsyncExitStack() as stack:

        async def channel(target: str, service: str) -> grpc.aio.Channel:
            # What bounds a call is its route's budget.
            tls = settings.tls_dir
            opened = client.channel(target, service=service, caller="gateway", seconds=_LONGEST_SECONDS, tls=tls)
            return await stack.enter_async_context(opened)

        user, feed = await channel(settings.user_target, "user"), await channel(settings.feed_target, "feed")
        yield Services(
            user=UserServiceStub(user),
            settings=SettingsServiceStub(user),
            avatars=AvatarServiceStub(user),
            graph=GraphServiceStub(await channel(settings.graph_target, "graph")),
            post=PostServiceStub(await channel(settings.post_target, "post")),
            feed=FeedServiceStub(feed),
            home=Batcher(feed, service="feed"),
            notify=NotifyServiceStub(await channel(settings.notify_target, "notify")),
            search=SearchServiceStub(await channel(settings.search_target, "search")),
            admin=AdminServiceStub(user),
            credentials=CredentialServiceStub(user),
            factors=FactorServiceStub(user),
            lifecycle=LifecycleServiceStub(user),
            sign_in=SignInServiceStub(user),
            oauth=OAuthServiceStub(user),
        )
