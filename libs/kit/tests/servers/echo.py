"""A service of one method, for the tests of server and client: what it does is a function of the request's text."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
from google.protobuf.wrappers_pb2 import StringValue
from kit import client, server
from kit.server import Context
from kit.settings import ProcessSettings

NAME = "kit.test.Echo"
METHOD = f"/{NAME}/Say"

Answer = Callable[[str, Context], Awaitable[str]]
Say = grpc.aio.UnaryUnaryMultiCallable[StringValue, StringValue]


def register(answer: Answer) -> server.Register:
    async def say(request: StringValue, context: Context) -> StringValue:
        return StringValue(value=await answer(request.value, context))

    handler = grpc.unary_unary_rpc_method_handler(say, StringValue.FromString, StringValue.SerializeToString)
    return lambda target: target.add_generic_rpc_handlers(
        [grpc.method_handlers_generic_handler(NAME, {"Say": handler})],
    )


def say(channel: grpc.aio.Channel) -> Say:
    return channel.unary_unary(
        METHOD, request_serializer=StringValue.SerializeToString, response_deserializer=StringValue.FromString
    )


@dataclass(frozen=True)
class Echo:
    process: server.Running
    say: Say

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.process.port}"


def settings(**values: object) -> ProcessSettings:
    return ProcessSettings.model_validate({"listen": "127.0.0.1:0", "ops_listen": "127.0.0.1:0", **values})


@asynccontextmanager
async def echo(answer: Answer, checks: dict[str, server.Check] | None = None, **values: object) -> AsyncGenerator[Echo]:
    """The service and a channel of the kit to it."""
    async with (
        server.running(settings(**values), "echo", register=[register(answer)], names=[NAME], checks=checks) as process,
        client.channel(f"127.0.0.1:{process.port}", service="echo", caller="tests") as channel,
    ):
        yield Echo(process, say(channel))
