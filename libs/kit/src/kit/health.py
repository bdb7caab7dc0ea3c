"""What gRPC's own services tell about a server: whether it takes calls, and what there is to call."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, cast

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection

from kit.settings import BadSettings

HEALTH = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
_OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_receive_message_length", 1024),
    ("grpc.max_concurrent_streams", 16),
    ("grpc.max_connection_idle_ms", 60_000),
)


class Health:
    """`names` are the full names of the services whose state is that of the process."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names, self._servicer = names, HealthServicer()

    def add_to(self, server: grpc.aio.Server) -> None:
        """Health and reflection."""
        health_pb2_grpc.add_HealthServicer_to_server(self._servicer, server)
        reflection.enable_server_reflection([*self._names, HEALTH, reflection.SERVICE_NAME], server)

    async def tell(self, ready: bool) -> None:
        status = health_pb2.HealthCheckResponse.SERVING if ready else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ("", *self._names):
            await self._servicer.set(name, status)

    @asynccontextmanager
    async def probed(self, address: str | None) -> AsyncGenerator[int | None]:
        """A port of its own for probes that speak no TLS: whether the process takes calls, and nothing else.

        Yields the port; serves nothing when `address` is None. Raises BadSettings when the address cannot be had.
        """
        if address is None:
            yield None
            return
        server = grpc.aio.server(options=_OPTIONS)
        check = grpc.unary_unary_rpc_method_handler(
            cast("Any", self._servicer).Check,
            health_pb2.HealthCheckRequest.FromString,
            health_pb2.HealthCheckResponse.SerializeToString,
        )
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(HEALTH, {"Check": check})])
        try:
            port = server.add_insecure_port(address)
        except RuntimeError:
            raise BadSettings([f"HELIOGRAPH_PROBE_LISTEN: cannot listen on {address}"]) from None
        await server.start()
        try:
            yield port
        finally:
            await server.stop(1)
