"""Takes spans by OTLP and throws them away: `python -m bench.home.sink PORT`. So that tracing costs what it costs."""

import asyncio
import sys
from typing import Any, cast

import grpc

_METHOD = "Export"
_SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"


async def _export(request: bytes, context: "grpc.aio.ServicerContext[bytes, bytes]") -> bytes:  # noqa: ARG001
    return b""


async def main(port: int) -> None:
    server = grpc.aio.server()
    handler = cast("Any", grpc).unary_unary_rpc_method_handler(_export)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(_SERVICE, {_METHOD: handler}),))
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
