"""The one way to run a service: gRPC server, health, reflection, ops HTTP, background tasks, graceful stop."""

import asyncio
import gc
import signal
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1._async import HealthServicer
from grpc_reflection.v1alpha import reflection
from heliograph.batch.v1.batch_pb2_grpc import add_BatchServiceServicer_to_server

from kit import calls, log, telemetry
from kit.batches import Batches, Handlers
from kit.interceptor import CallInterceptor, Context
from kit.ops import serve_ops
from kit.readiness import Check, Readiness
from kit.settings import BadSettings, ProcessSettings
from kit.tasks import Task, background

__all__ = ["Check", "Context", "Running", "Task", "running", "serve", "work"]

Register = Callable[[grpc.aio.Server], None]

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
_OPTIONS = (
    ("grpc.so_reuseport", 0),  # a port that is taken must be an error
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
    ("grpc.keepalive_time_ms", 60_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", 10_000),
    # Clients come back after a while, so that new instances get their share of connections.
    ("grpc.max_connection_age_ms", 300_000),
    ("grpc.max_connection_age_grace_ms", 30_000),
)

logger = log.get(__name__)


@dataclass(frozen=True)
class Running:
    """A started process. `port` is 0 in a worker, `ops_port` None when the ops server is off."""

    port: int
    ops_port: int | None
    readiness: Readiness


async def serve(
    settings: ProcessSettings,
    service: str,
    *,
    register: Sequence[Register],
    names: Sequence[str],
    checks: Mapping[str, Check] | None = None,
    tasks: Sequence[Task] = (),
) -> None:
    """Runs a gRPC service until SIGTERM or SIGINT, then stops gracefully and returns.

    `register` are calls of add_XServicer_to_server, `names` the full names of these services, for health and
    reflection. `checks` are the dependencies without which no call can be answered. Raises BadSettings.
    """
    async with running(settings, service, register=register, names=names, checks=checks, tasks=tasks):
        await _until_told_to_stop()


async def work(
    settings: ProcessSettings, service: str, *, checks: Mapping[str, Check] | None = None, tasks: Sequence[Task]
) -> None:
    """The same for a process without gRPC."""
    async with _observed(settings, service), AsyncExitStack() as stack:
        readiness = Readiness(checks or {})
        await stack.enter_async_context(serve_ops(settings.ops_listen, readiness))
        await stack.enter_async_context(background(tasks, settings.shutdown_grace_seconds))
        await _watch(stack, readiness)
        await _until_told_to_stop()


@asynccontextmanager
async def running(
    settings: ProcessSettings,
    service: str,
    *,
    register: Sequence[Register],
    names: Sequence[str],
    checks: Mapping[str, Check] | None = None,
    tasks: Sequence[Task] = (),
) -> AsyncGenerator[Running]:
    """`serve` as a block: serves inside, stops gracefully at its end. Handles no signals."""
    if settings.listen is None:
        raise BadSettings(["HELIOGRAPH_LISTEN is missing"])
    async with _observed(settings, service), AsyncExitStack() as stack:
        server = _server(settings, register)
        readiness = Readiness(checks or {}, await _health(server, names))
        port = _bind(server, settings.listen)
        # Left in reverse: unready, drained, tasks cancelled; probes are answered to the end.
        ops_port = await stack.enter_async_context(serve_ops(settings.ops_listen, readiness))
        await stack.enter_async_context(background(tasks, settings.shutdown_grace_seconds))
        await server.start()
        stack.push_async_callback(server.stop, settings.shutdown_grace_seconds)
        await _watch(stack, readiness)
        logger.info("serving", port=port, ops_port=ops_port)
        yield Running(port, ops_port, readiness)


def _server(settings: ProcessSettings, register: Sequence[Register]) -> grpc.aio.Server:
    # grpc's own maximum_concurrent_rpcs miscounts refused calls and soon lets all through: the interceptor caps.
    at_once = calls.Running(settings.max_concurrent_calls)
    interceptors: list[grpc.aio.ServerInterceptor] = [CallInterceptor(at_once)]
    if telemetry.enabled():
        interceptors.insert(0, telemetry.server_interceptor())
    server = grpc.aio.server(interceptors=interceptors, options=_OPTIONS)
    handlers = Handlers(server)
    for add in register:
        add(handlers.as_server)
    add_BatchServiceServicer_to_server(Batches(handlers, at_once), server)
    return server


async def _health(server: grpc.aio.Server, names: Sequence[str]) -> Callable[[bool], Awaitable[None]]:
    """Adds the health and reflection services; answers how to tell them whether we serve."""
    servicer = HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
    reflection.enable_server_reflection(
        [*names, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME], server
    )

    async def tell(ready: bool) -> None:
        status = health_pb2.HealthCheckResponse.SERVING if ready else health_pb2.HealthCheckResponse.NOT_SERVING
        for name in ("", *names):
            await servicer.set(name, status)

    await tell(ready=False)
    return tell


def _bind(server: grpc.aio.Server, address: str) -> int:
    try:
        return server.add_insecure_port(address)
    except RuntimeError:
        raise BadSettings([f"HELIOGRAPH_LISTEN: cannot listen on {address}"]) from None


async def _watch(stack: AsyncExitStack, readiness: Readiness) -> None:
    await stack.enter_async_context(background([readiness.watch], grace=1))
    stack.push_async_callback(readiness.close)


@asynccontextmanager
async def _observed(settings: ProcessSettings, service: str) -> AsyncGenerator[None]:
    log.configure(service, settings.log_level)
    telemetry.configure(settings, service)
    try:
        yield
    finally:
        logger.info("stopped")
        await asyncio.to_thread(telemetry.shutdown)


async def _until_told_to_stop() -> None:
    """Returns at SIGTERM or SIGINT. A second signal kills as usual."""
    # What was made by now lives as long as the process: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told.set)
    await told.wait()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
