"""The one way to run a service: gRPC server, health, reflection, ops HTTP, background tasks, graceful stop."""

import asyncio
import gc
import signal
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
from heliograph.batch.v1.batch_pb2_grpc import add_BatchServiceServicer_to_server

from kit import calls, log, telemetry, vitals
from kit.batches import Batches, Handlers
from kit.callers import Callers, Rules
from kit.certificates import Certificates, server_credentials
from kit.health import Health
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
    """A started process. `ops_port` and `probe_port` are None when there is none."""

    port: int
    ops_port: int | None
    readiness: Readiness
    probe_port: int | None = None


async def serve(
    settings: ProcessSettings,
    service: str,
    *,
    register: Sequence[Register],
    names: Sequence[str],
    callers: Rules | None = None,
    checks: Mapping[str, Check] | None = None,
    tasks: Sequence[Task] = (),
) -> None:
    """Runs a gRPC service until SIGTERM or SIGINT, then stops gracefully and returns.

    `register` are calls of add_XServicer_to_server, `names` the full names of these services, for health and
    reflection. `callers` names who may call each of these where TLS is on (see kit.callers); without it and without the
    setting nobody may. `checks` are the dependencies without which no call can be answered. Raises BadSettings.
    """
    async with running(settings, service, register=register, names=names, callers=callers, checks=checks, tasks=tasks):
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
    callers: Rules | None = None,
    checks: Mapping[str, Check] | None = None,
    tasks: Sequence[Task] = (),
) -> AsyncGenerator[Running]:
    """`serve` as a block: serves inside, stops gracefully at its end. Handles no signals."""
    if settings.listen is None:
        raise BadSettings(["HELIOGRAPH_LISTEN is missing"])
    async with _observed(settings, service), AsyncExitStack() as stack:
        server, health = _server(settings, register, _callers(settings, callers)), Health(names)
        health.add_to(server)
        await health.tell(ready=False)
        readiness = Readiness(checks or {}, health.tell)
        port = _bind(server, settings.listen, settings.tls_dir)
        # Left in reverse: unready, drained, tasks cancelled; probes are answered to the end.
        ops_port = await stack.enter_async_context(serve_ops(settings.ops_listen, readiness))
        probe_port = await stack.enter_async_context(health.probed(settings.probe_listen))
        await stack.enter_async_context(background(tasks, settings.shutdown_grace_seconds))
        await server.start()
        stack.push_async_callback(server.stop, settings.shutdown_grace_seconds)
        await _watch(stack, readiness)
        logger.info("serving", port=port, ops_port=ops_port, probe_port=probe_port, tls=settings.tls_dir is not None)
        yield Running(port, ops_port, readiness, probe_port)


def _callers(settings: ProcessSettings, rules: Rules | None) -> Callers | None:
    """None where nobody can be told from anybody."""
    if settings.tls_dir:
        return Callers(rules or {}, settings.allowed_callers)
    if settings.allowed_callers is not None:
        raise BadSettings(["HELIOGRAPH_ALLOWED_CALLERS needs HELIOGRAPH_TLS_DIR: without TLS nobody knows who calls"])
    return None


def _server(settings: ProcessSettings, register: Sequence[Register], callers: Callers | None) -> grpc.aio.Server:
    # grpc's own maximum_concurrent_rpcs miscounts refused calls and soon lets all through: the interceptor caps.
    at_once = calls.Running(settings.max_concurrent_calls)
    interceptors: list[grpc.aio.ServerInterceptor] = [CallInterceptor(at_once, callers)]
    if telemetry.enabled():
        interceptors.insert(0, telemetry.server_interceptor())
    server = grpc.aio.server(interceptors=interceptors, options=_OPTIONS)
    handlers = Handlers(server)
    for add in register:
        add(handlers.as_server)
    add_BatchServiceServicer_to_server(Batches(handlers, at_once, callers), server)
    return server


def _bind(server: grpc.aio.Server, address: str, tls_dir: Path | None) -> int:
    try:
        if tls_dir:
            return server.add_secure_port(address, server_credentials(Certificates(tls_dir)))
        return server.add_insecure_port(address)
    except RuntimeError:
        raise BadSettings([f"HELIOGRAPH_LISTEN: cannot listen on {address}"]) from None


async def _watch(stack: AsyncExitStack, readiness: Readiness) -> None:
    await stack.enter_async_context(background([readiness.watch, vitals.watch_loop], grace=1))
    stack.push_async_callback(readiness.close)


@asynccontextmanager
async def _observed(settings: ProcessSettings, service: str) -> AsyncGenerator[None]:
    log.configure(service, settings.log_level)
    telemetry.configure(settings, service)
    vitals.show_build(settings, service)
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
