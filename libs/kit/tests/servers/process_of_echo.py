"""A whole process, for the tests to start and stop: HELIOGRAPH_LISTEN, HELIOGRAPH_OPS_LISTEN, and FLAG, a file whose
presence means that the dependency is up. With TARGET it asks another process instead of answering itself, with BATCHED
by kit.many."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from functools import partial

import grpc
from google.protobuf.wrappers_pb2 import StringValue
from kit import client, server
from kit.errors import InvalidArgument
from kit.many import Batcher
from kit.process import Command, main
from kit.server import Context
from kit.settings import ProcessSettings

NAME = "kit.test.Echo"
Say = Callable[[StringValue, Context], Awaitable[StringValue]]


def tell(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


async def say(request: StringValue, context: Context) -> StringValue:
    tell("asked")
    try:
        await asyncio.sleep(float(request.value))
    except ValueError:
        raise InvalidArgument("NO_NUMBER", "not a number") from None
    return request


def relay(channel: grpc.aio.Channel) -> Say:
    ask: grpc.aio.UnaryUnaryMultiCallable[StringValue, StringValue] = channel.unary_unary(
        f"/{NAME}/Say",
        request_serializer=StringValue.SerializeToString,
        response_deserializer=StringValue.FromString,
    )

    async def say(request: StringValue, context: Context) -> StringValue:
        return await ask(request)

    return say


async def check() -> None:
    if not os.access(os.environ["FLAG"], os.R_OK):
        raise ConnectionRefusedError


async def tick() -> None:
    try:
        await asyncio.Event().wait()
    finally:
        tell("task stopped")


def register(say: Say, target: grpc.aio.Server) -> None:
    handler = grpc.unary_unary_rpc_method_handler(say, StringValue.FromString, StringValue.SerializeToString)
    target.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(NAME, {"Say": handler})])


async def serve(settings: ProcessSettings) -> None:
    async with client.channel(os.environ.get("TARGET", "127.0.0.1:1"), service="echo") as channel:
        onward = Batcher(channel, service="echo").stubs if "BATCHED" in os.environ else channel
        add = partial(register, relay(onward) if "TARGET" in os.environ else say)
        await server.serve(settings, "echo", register=[add], names=[NAME], checks={"store": check}, tasks=[tick])
    tell("closed")


async def work(settings: ProcessSettings) -> None:
    await server.work(settings, "echo-worker", checks={"store": check}, tasks=[tick])


def fail(settings: ProcessSettings) -> None:
    raise RuntimeError("no good")


if __name__ == "__main__":
    main(
        "echo",
        {
            "serve": Command(ProcessSettings, serve),
            "work": Command(ProcessSettings, work),
            "fail": Command(ProcessSettings, fail),
        },
    )
