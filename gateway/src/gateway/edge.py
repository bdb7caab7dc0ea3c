"""What happens around every request: trace, request id, headers, shedding, the last resort for errors, metrics and one
log line."""

import asyncio
import os
import re
import time
from collections.abc import Sequence

from kit import log, telemetry
from kit.errors import Unavailable, from_exception
from kit.tasks import uninterrupted
from prometheus_client import Counter, Gauge, Histogram
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.errors import problem

# 0.3 is what the home feed promises (docs/objectives.md).
_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.3, 0.5, 1, 2.5, 5, 10)
HTTP_SECONDS = Histogram(
    "heliograph_http_seconds", "Requests answered, by route and status", ["method", "route", "status"], buckets=_SECONDS
)
IN_FLIGHT = Gauge("heliograph_http_in_flight", "Requests being answered")
LIMIT = Gauge("heliograph_http_in_flight_limit", "Requests that may be answered at once")
SHED = Counter("heliograph_http_shed_total", "Requests refused because too many were being answered")

REQUEST_ID = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# The whole answer is JSON, bytes or a plain page: nothing in it may run, frame or fetch.
FIXED_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"strict-transport-security", b"max-age=63072000; includeSubDomains"),
    (b"referrer-policy", b"no-referrer"),
]
DEFAULT_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")

Header = tuple[bytes, bytes]

logger = log.get(__name__)


class Load:
    """How many requests are being answered, of `capacity` at once."""

    def __init__(self, capacity: int) -> None:
        self._capacity, self._count = capacity, 0
        IN_FLIGHT.set_function(lambda: self._count)
        LIMIT.set(capacity)

    def enter(self) -> bool:
        """False when there is no room: then there is nothing to leave."""
        if self._count >= self._capacity:
            return False
        self._count += 1
        return True

    def leave(self) -> None:
        self._count -= 1


class Edge:
    """The outermost application. What is more than the load may be is told to come back."""

    def __init__(self, app: ASGIApp, load: Load) -> None:
        self._app, self._load = app, load

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(scope, send)
        if not self._load.enter():
            SHED.inc()
            await exchange.fail(Unavailable("OVERLOADED", "too many requests at once", retry_after=1), receive)
            return
        try:
            await uninterrupted(self._app(exchange.scope, receive, exchange.send))
        except Exception as error:  # noqa: BLE001 the outermost boundary of a request
            await exchange.fail(error, receive)
        finally:
            self._load.leave()
            exchange.done()


class _Exchange:
    """One request from its arrival to its log line."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._started, self._send, self._status, self._whole = time.perf_counter(), send, 0, False
        headers = Headers(scope=scope)
        self.request_id = _request_id(headers.getlist("x-request-id"))
        join_trace(headers.get(telemetry.TRACEPARENT))
        # HEAD is GET without the body; routes need not know.
        self._method = scope["method"]
        self._head = self._method == "HEAD"
        self.scope: Scope = {
            **scope,
            "method": "GET" if self._head else self._method,
            "state": {"request_id": self.request_id, "head": self._head, "limit_headers": [], **scope.get("state", {})},
        }

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            message = {**message, "headers": [*message.get("headers", ()), *self._headers(message)]}
        elif self._head and message["type"] == "http.response.body":
            if message.get("more_body"):
                return
            message = {"type": "http.response.body", "body": b""}
        await self._send(message)
        self._whole = message["type"] == "http.response.body" and not message.get("more_body")

    async def fail(self, error: Exception, receive: Receive) -> None:
        if is_unexpected(error):
            logger.error("unexpected error", request_id=self.request_id, exc_info=error)
        if not self._status:
            await problem(error, self.scope["path"])(self.scope, receive, self.send)
        elif not self._whole:
            raise error  # half an answer is out: the connection must break, or it would look whole

    def done(self) -> None:
        route = getattr(self.scope.get("route"), "path", "")
        method = self._method if self._method in _METHODS else "OTHER"
        seconds = time.perf_counter() - self._started
        telemetry.call_it(f"{method} {route}".strip())  # a path would name people
        HTTP_SECONDS.labels(method, route, self._status).observe(seconds, telemetry.exemplar())
        note(method, route, self._status, seconds, self.request_id)

    def _headers(self, message: Message) -> list[tuple[bytes, bytes]]:
        present = {name.lower() for name, _ in message.get("headers", ())}
        found = [*FIXED_HEADERS, (b"x-request-id", self.request_id.encode()), *self.scope["state"]["limit_headers"]]
        if DEFAULT_POLICY[0] not in present:
            found.append(DEFAULT_POLICY)
        if traceparent := telemetry.traceparent():
            found.append((b"traceparent", traceparent.encode()))
        return found


def is_unexpected(error: Exception) -> bool:
    """Whether the log needs its stack: a bug, or work that somebody else cancelled."""
    return from_exception(error) is None or isinstance(error.__cause__, asyncio.CancelledError)


def note(method: str, route: str, status: int, seconds: float, request_id: str) -> None:
    """The log line of a request."""
    logger.info(
        "request", method=method, route=route, status=status, ms=round(seconds * 1000, 2), request_id=request_id
    )


def _request_id(values: Sequence[str]) -> str:
    """The caller's own, when it is one that logs can hold."""
    return values[0] if len(values) == 1 and REQUEST_ID.fullmatch(values[0]) else new_request_id()


def new_request_id() -> str:
    return os.urandom(16).hex()


def join_trace(traceparent: str | None) -> None:
    """Every answer has a trace id, whether spans are made or not. For the request's own task: it stays joined."""
    if telemetry.enabled():
        return
    if traceparent:
        telemetry.adopt(traceparent)
    if not traceparent or telemetry.trace_id() is None:
        telemetry.begin()
