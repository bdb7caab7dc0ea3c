"""User services and gateways side by side in one process, on real servers: what stands between a token and its end."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx
from gateway.__main__ import assemble
from gateway.app import build
from gateway.here import Parts
from gateway.settings import GatewaySettings
from heliograph.user.v1 import user_pb2, user_pb2_grpc
from kit.client import channel
from kit.server import running
from kit.settings import ProcessSettings
from user_service.settings import UserSettings
from user_service.wiring.base import Base, open_base
from user_service.wiring.serving import serving_of

from support.rest import PASSWORD

SERVICES = ("user", "graph", "post", "feed", "notify", "search")


@dataclass
class Clock:
    """The real time, and what it was moved by."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class User:
    """A replica of the user service. `stop` takes it away."""

    base: Base
    port: int
    stop: Callable[[], "asyncio.Future[None]"] = field(repr=False)


@dataclass
class Gateway:
    parts: Parts
    http: httpx.AsyncClient


@asynccontextmanager
async def user_service(settings: UserSettings, clock: Clock) -> AsyncGenerator[User]:
    stack = AsyncExitStack()
    base = await stack.enter_async_context(open_base_of(settings, clock))
    process = ProcessSettings(listen="127.0.0.1:0", shutdown_grace_seconds=1)
    server = await stack.enter_async_context(running(process, "user", register=serving_of(base).register, names=[]))
    try:
        yield User(base, server.port, lambda: asyncio.ensure_future(stack.aclose()))
    finally:
        await stack.aclose()


@asynccontextmanager
async def open_base_of(settings: UserSettings, clock: Clock) -> AsyncGenerator[Base]:
    async with AsyncExitStack() as stack:
        yield await open_base(stack, settings, clock)


@asynccontextmanager
async def gateway(port: int, redis_url: str, servers: dict[str, str]) -> AsyncGenerator[Gateway]:
    """One that polls for revocations, as its process does."""
    known = {name.removeprefix("HELIOGRAPH_").lower(): value for name, value in servers.items()}
    told = {f"{name}_target": f"127.0.0.1:{port}" for name in SERVICES} | {
        "listen": "127.0.0.1:0",
        "redis_url": redis_url,
        "cursor_key": "c" * 32,
        "media_url_key": "m" * 32,
        "public_url": "http://api.test",
        "media_base_url": "http://media.test",
        "s3_bucket": "unused",
    }
    async with assemble(GatewaySettings.model_validate(known | told)) as parts:
        polling = asyncio.create_task(parts.revocations.run())
        transport = httpx.ASGITransport(build(parts), raise_app_exceptions=False)
        try:
            async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as http:
                yield Gateway(parts, http)
        finally:
            polling.cancel()
            with suppress(asyncio.CancelledError):
                await polling


async def register(user: User, username: str = "anna") -> None:
    async with channel(f"127.0.0.1:{user.port}", service="user") as to_user:
        await user_pb2_grpc.UserServiceStub(to_user).RegisterAccount(
            user_pb2.RegisterAccountRequest(username=username, email=f"{username}@example.org", password=PASSWORD)
        )


async def log_in(http: httpx.AsyncClient, username: str = "anna") -> dict[str, str]:
    answer = await http.post("/v1/sessions", json={"login": username, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def status(http: httpx.AsyncClient, token: str) -> tuple[int, str]:
    """Of a request with this token: its status and reason."""
    answer = await http.get("/v1/sessions", headers={"Authorization": f"Bearer {token}"})
    return answer.status_code, "" if answer.is_success else answer.json()["reason"]
