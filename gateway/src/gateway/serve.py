"""uvicorn as a task of the process: no signal handlers of its own, a graceful stop when cancelled."""

import asyncio
import contextlib
import socket
from collections.abc import Generator

import uvicorn
from kit.settings import BadSettings
from starlette.types import ASGIApp

from gateway.bounded import Bounds, bounded_by
from gateway.settings import GatewaySettings

_BACKLOG = 2048
_BOUNDS = Bounds()
_FAREWELL_SECONDS, _LOOK_SECONDS = 2.0, 0.02
_SPARE = 64  # connections beyond the capacity get a proper problem document from the application


class _Server(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        """Signals are the process's own business."""
        yield


def listen(address: str | None) -> socket.socket:
    """Raises BadSettings when the address cannot be had."""
    if address is None:
        raise BadSettings(["HELIOGRAPH_LISTEN is missing"])
    host, _, port = address.rpartition(":")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host.strip("[]"), int(port)))
    except OSError as error:
        listener.close()
        raise BadSettings([f"HELIOGRAPH_LISTEN: cannot listen on {address}: {error.strerror}"]) from error
    return listener


class HttpServer:
    """Serves until cancelled, then lets what is under way finish for `shutdown_grace_seconds`.

    A connection that is closed while its client sends the next request loses that request. So for a moment answers say
    first that they are their connection's last, and only who is silent then is cut off.
    """

    def __init__(
        self, app: ASGIApp, listener: socket.socket, settings: GatewaySettings, bounds: Bounds = _BOUNDS
    ) -> None:
        self._listener = listener
        self._protocol = bounded_by(bounds)
        self._config = uvicorn.Config(
            app,
            loop="none",
            http=self._protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            proxy_headers=False,
            server_header=False,
            backlog=_BACKLOG,
            limit_concurrency=settings.max_concurrent_calls * 4 + _SPARE,
            timeout_keep_alive=settings.keep_alive_seconds,
            timeout_graceful_shutdown=max(1, int(settings.shutdown_grace_seconds) - 1),
            reset_contextvars=True,
        )

    async def run(self) -> None:
        server = _Server(self._config)
        serving = asyncio.ensure_future(server.serve(sockets=[self._listener]))
        try:
            await asyncio.shield(serving)
        except asyncio.CancelledError:
            await self._part(server)
            server.should_exit = True
            await serving
            raise

    async def _part(self, server: _Server) -> None:
        self._protocol.parting = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_FAREWELL_SECONDS):
                while server.server_state.connections:  # noqa: ASYNC110 uvicorn tells nobody
                    await asyncio.sleep(_LOOK_SECONDS)
