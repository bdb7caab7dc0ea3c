"""The HTTP side door of a process: /healthz, /readyz and /metrics, for probes and Prometheus.

Served from a thread, so that /healthz can tell that the event loop is stuck.
"""

import asyncio
import concurrent.futures
import json
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from contextlib import asynccontextmanager
from socketserver import ThreadingMixIn
from typing import Any, cast
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

import prometheus_client

from kit.readiness import Readiness
from kit.settings import BadSettings

_PATIENCE = 3.0  # seconds for the loop to answer; a probe of Kubernetes waits as long as its timeoutSeconds says

Answer = tuple[str, object]


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _SilentHandler(WSGIRequestHandler):
    timeout = 10  # seconds a client may be silent

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 the name is inherited
        """Probes come every few seconds: no line for them."""


def host_port(address: str) -> tuple[str, int]:
    host, _, port = address.rpartition(":")
    return host.strip("[]"), int(port)


@asynccontextmanager
async def serve_ops(address: str | None, readiness: Readiness) -> AsyncGenerator[int | None]:
    """Serves until the block ends; yields the port. Serves nothing when `address` is None. Raises BadSettings when the
    address cannot be had."""
    if address is None:
        yield None
        return
    app = _app(readiness, asyncio.get_running_loop())
    try:
        server = make_server(*host_port(address), app, _Server, _SilentHandler)
    except OSError as error:
        raise BadSettings([f"HELIOGRAPH_OPS_LISTEN: cannot listen on {address}: {error.strerror}"]) from error
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, name="ops", daemon=True).start()
    try:
        yield server.server_port
    finally:
        await asyncio.to_thread(server.shutdown)
        server.server_close()


def _app(readiness: Readiness, loop: asyncio.AbstractEventLoop) -> WSGIApplication:
    # Their type is not complete in the library.
    metrics = cast("WSGIApplication", prometheus_client.make_wsgi_app())  # pyright: ignore[reportUnknownMemberType]

    async def healthz() -> Answer:
        return "200 OK", {"alive": True}

    async def readyz() -> Answer:
        ready = await readiness.probe()
        return "200 OK" if ready else "503 Service Unavailable", {"ready": ready, "failing": dict(readiness.failing)}

    pages = {"/healthz": healthz, "/readyz": readyz}

    def app(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path == "/metrics":
            return metrics(environ, start_response)
        status, body = (
            _on_loop(loop, pages[path]) if path in pages else ("404 Not Found", {"paths": [*pages, "/metrics"]})
        )
        start_response(status, [("Content-Type", "application/json")])
        return [json.dumps(body).encode()]

    return app


def _on_loop(loop: asyncio.AbstractEventLoop, page: Callable[[], Coroutine[Any, Any, Answer]]) -> Answer:
    work = page()
    try:
        return asyncio.run_coroutine_threadsafe(work, loop).result(_PATIENCE)
    except (concurrent.futures.TimeoutError, concurrent.futures.CancelledError):
        return "503 Service Unavailable", {"alive": False}
