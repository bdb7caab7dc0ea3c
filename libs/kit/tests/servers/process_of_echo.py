"""A whole process, for the tests to start and stop: HELIOGRAPH_LISTEN, HELIOGRAPH_OPS_LISTEN, and FLAG, a file whose
presence means that the dependency is up."""

import asyncio
import os
import sys

import grpc
from google.protobuf.wrappers_pb2 import StringValue
from kit import server
from kit.process import Command, main
from kit.server import Context
from kit.settings import ProcessSettings

NAME = "kit.test.Echo"


def tell(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()


async def say(request: StringValue, context: Context) -> StringValue:
    tell("asked")
    await asyncio.sleep(float(request.value))
    return request


async def check() -> None:
    if not os.access(os.environ["FLAG"], os.R_OK):
        raise ConnectionRefusedError


async def tick() -> None:
    try:
        await asyncio.Event().wait()
    finally:
        tell("task stopped")


def register(target: grpc.aio.Server) -> None:
    handler = grpc.unary_unary_rpc_method_handler(say, StringValue.FromString, StringValue.SerializeToString)
    target.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(NAME, {"Say": handler})])


async def serve(settings: ProcessSettings) -> None:
    await server.serve(settings, "echo", register=[register], names=[NAME], checks={"store": check}, tasks=[tick])
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
