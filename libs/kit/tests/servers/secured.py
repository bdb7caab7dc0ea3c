"""A service of two methods that asks for certificates, and who calls it with which."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from devstack.authority import Authority, place
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from kit import client, server
from kit.server import Context

from .echo import NAME, register, settings

OTHER = "kit.test.Other"
RULES = {NAME: {"gateway", "helio"}, OTHER: {"helio"}}


async def echo(text: str, _: Context) -> str:
    return text


def other(target: grpc.aio.Server) -> None:
    async def say(request: StringValue, _: Context) -> StringValue:
        return request

    handler = grpc.unary_unary_rpc_method_handler(say, StringValue.FromString, StringValue.SerializeToString)
    target.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(OTHER, {"Say": handler})])


@dataclass(frozen=True)
class Place:
    """A server, and certificates for who calls it."""

    folder: Path
    authority: Authority
    process: server.Running

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.process.port}"

    def certified(self, name: str, authority: Authority | None = None) -> Path:
        place(self.folder / name, (authority or self.authority).issue(name))
        return self.folder / name

    def channel(self, name: str) -> Any:
        return client.channel(self.target, service="echo", seconds=5, tls=self.certified(name))

    @asynccontextmanager
    async def bare(self, identity: str, authority: Authority | None = None) -> AsyncGenerator[grpc.aio.Channel]:
        """Without the kit, as whoever `identity` says; trusts this server in any case."""
        files = (authority or self.authority).issue(identity)
        credentials = grpc.ssl_channel_credentials(self.authority.pem, files["tls.key"], files["tls.crt"])
        async with grpc.aio.secure_channel(self.target, credentials) as channel:
            yield channel


@asynccontextmanager
async def serving(folder: Path, answer: Any = echo, host: str = "127.0.0.1", **told: object) -> AsyncGenerator[Place]:
    authority = Authority.make()
    place(folder / "echo", authority.issue("echo", host=host))
    asked = settings(tls_dir=folder / "echo", probe_listen="127.0.0.1:0", shutdown_grace_seconds=1, **told)
    added = [register(answer), other]
    async with server.running(asked, "echo", register=added, names=[NAME, OTHER], callers=RULES) as process:
        yield Place(folder, authority, process)


async def told(ask: Callable[[], Awaitable[object]]) -> grpc.StatusCode:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask()
    return caught.value.code()


async def health(channel: grpc.aio.Channel) -> int:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    return (await stub.Check(health_pb2.HealthCheckRequest(), timeout=5)).status


async def watched(channel: grpc.aio.Channel) -> int:
    stub: Any = health_pb2_grpc.HealthStub(channel)
    watching = stub.Watch(health_pb2.HealthCheckRequest(), timeout=5)
    try:
        return (await anext(aiter(watching))).status
    finally:
        watching.cancel()


async def listed(channel: Any) -> list[str]:
    stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    answer = await anext(aiter(stub.ServerReflectionInfo(iter([asked]), timeout=5)))
    return [service.name for service in answer.list_services_response.service]
