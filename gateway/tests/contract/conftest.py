"""The gateway in process, behind it real Redis and S3, and services that a test scripts."""

import sys
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
from gateway.settings import GatewaySettings
from heliograph.feed.v1 import feed_pb2_grpc
from heliograph.graph.v1 import graph_pb2_grpc
from heliograph.notify.v1 import notify_pb2_grpc
from heliograph.post.v1 import post_pb2_grpc
from heliograph.search.v1 import search_pb2_grpc
from heliograph.user.v1 import (
    admin_pb2_grpc,
    credentials_pb2_grpc,
    factors_pb2_grpc,
    lifecycle_pb2_grpc,
    oauth_pb2_grpc,
    settings_pb2_grpc,
    sign_in_pb2_grpc,
    user_pb2_grpc,
)
from kit.server import running
from kit.settings import ProcessSettings
from starlette.types import ASGIApp

sys.path.insert(0, str(Path(__file__).parent))  # tests are no package: this is how they share a module

from gateway_world import ADA, BEN, Refused, Scripted, World


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("filterwarnings", "ignore:EdDSA is deprecated")  # the name that our tokens carry


SERVICES = ("user", "graph", "post", "feed", "notify", "search")


@pytest_asyncio.fixture
async def world(redis_url: str, servers: dict[str, str]) -> AsyncGenerator[World]:
    services = {
        "user": Scripted(user_pb2_grpc, "UserService"),
        "graph": Scripted(graph_pb2_grpc, "GraphService"),
        "post": Scripted(post_pb2_grpc, "PostService"),
        "feed": Scripted(feed_pb2_grpc, "FeedService"),
        "notify": Scripted(notify_pb2_grpc, "NotifyService"),
        "search": Scripted(search_pb2_grpc, "SearchService"),
        "admin": Scripted(admin_pb2_grpc, "AdminService"),
        "credentials": Scripted(credentials_pb2_grpc, "CredentialService"),
        "factors": Scripted(factors_pb2_grpc, "FactorService"),
        "lifecycle": Scripted(lifecycle_pb2_grpc, "LifecycleService"),
        "oauth": Scripted(oauth_pb2_grpc, "OAuthService"),
        "settings": Scripted(settings_pb2_grpc, "SettingsService"),
        "avatars": Scripted(settings_pb2_grpc, "AvatarService"),
        "sign_in": Scripted(sign_in_pb2_grpc, "SignInService"),
    }
    async with AsyncExitStack() as stack:
        backing = ProcessSettings(listen="127.0.0.1:0", shutdown_grace_seconds=1)
        register = [service.register for service in services.values()]
        server = await stack.enter_async_context(running(backing, "fakes", register=register, names=[]))
        yield World(_settings(server.port, redis_url, servers), stack, services)


@pytest_asyncio.fixture
async def app(world: World) -> ASGIApp:
    return (await world.gateway())[0]


@pytest_asyncio.fixture
async def anonymous(world: World, app: ASGIApp) -> httpx.AsyncClient:
    return await world.client(app)


@pytest.fixture
def ada_id() -> int:
    return ADA


@pytest.fixture
def ben_id() -> int:
    return BEN


@pytest_asyncio.fixture
async def ada(world: World, app: ASGIApp) -> httpx.AsyncClient:
    return await world.client(app, world.token(ADA))


@pytest.fixture
def refused() -> Refused:
    """Checks that an answer is a whole problem document with this status and reason."""

    def check(response: httpx.Response, status: int, reason: str) -> dict[str, Any]:
        assert response.headers["content-type"] == "application/problem+json"
        problem = response.json()
        assert (response.status_code, problem["reason"]) == (status, reason), problem
        assert problem["status"] == status
        assert problem["type"] == "/problems/" + reason.lower().replace("_", "-")
        assert problem["title"]
        assert problem["detail"]
        assert problem["instance"].startswith("/")
        assert len(problem["trace_id"]) == 32
        return problem

    return check


def _settings(port: int, redis_url: str, servers: dict[str, str]) -> GatewaySettings:
    values = {f"{name}_target": f"127.0.0.1:{port}" for name in SERVICES} | {
        name.removeprefix("HELIOGRAPH_").lower(): value for name, value in servers.items()
    }
    return GatewaySettings.model_validate(
        {
            **values,
            "listen": "127.0.0.1:0",
            "redis_url": redis_url,
            "cursor_key": "c" * 32,
            "media_url_key": "m" * 32,
            "public_url": "http://api.test",
            "media_base_url": "http://media.test",
            "s3_bucket": "heliograph-media",
        }
    )
