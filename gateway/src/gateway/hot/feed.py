"""`GET /v1/me/feed`, by hand: the route of the same path in the same bytes, at a fraction of its cost.

Only a plain request is answered here: of a person with a token that was seen before, with no header twice, no body, no
parameter but limit, order and a good cursor, and none for a ranking's first page. All else goes on to the application
untouched, and so does what finds no room.
"""

import time
from collections.abc import Awaitable, Callable, Sequence

from heliograph.feed.v1.feed_pb2 import ORDER_TOP, GetHomePageRequest, GetHomePageResponse
from kit import log, telemetry
from kit.errors import InvalidArgument
from kit.quotas import Verdict
from kit.tasks import uninterrupted
from msgspec import Struct
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway import edge, etags, home
from gateway.cors import Told
from gateway.edge import Header, Load
from gateway.errors import problem
from gateway.here import PRIVATE, Parts
from gateway.hot import traces
from gateway.hot.callers import Caller, Callers
from gateway.hot.limits import Tolls
from gateway.hot.query import Queries, Query
from gateway.hot.traces import Traces
from gateway.limits import current_of, headers_of, parse_quotas, refused

_METHOD = "GET"
_NAME = f"{_METHOD} {home.PATH}"
_CALL = "/heliograph.feed.v1.FeedService/GetHomePage"
_SLOW_SECONDS = 0.5
_FEED_SECONDS = home.SECONDS * 0.98  # what kit.client leaves of the route's budget

_NONE = b"0"
_JSON: Header = (b"content-type", b"application/json")
_NO_STORE: Header = (b"cache-control", b"no-store")
_PRIVATE: Header = (b"cache-control", PRIVATE.encode())
_VARY: Header = (b"vary", b"Origin")
_VARY_MORE: Header = (b"vary", b"Authorization, Origin")

logger = log.get(__name__)


class Asked(Struct, frozen=True):
    """A plain request. `token` is the feed's own, empty for the first page; `cursors` is the scope of the cursors."""

    caller: Caller
    query: Query
    token: str
    cursors: str
    headers: dict[bytes, bytes]
    request_id: bytes


class Answer(Struct, frozen=True):
    status: int
    headers: Sequence[Header]
    body: bytes


class HotFeed:
    """In front of `app`, whose load it shares."""

    def __init__(self, app: ASGIApp, parts: Parts, load: Load) -> None:
        settings = parts.settings
        self._app, self._load, self._feed, self._cursors = app, load, parts.services.home, parts.cursors
        quotas = parse_quotas(settings.rate_limits)
        self._callers = Callers(parts.authenticator, quotas, settings.trusted_proxies)
        self._queries, self._cors = Queries(settings.public_url), Told(settings.cors_origins)
        self._tolls, self._traces = Tolls(parts.limiter), Traces(telemetry.roots())
        self._seconds = {status: edge.HTTP_SECONDS.labels(_METHOD, home.PATH, status) for status in (200, 304)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = self._read(scope) if scope.get("path") == home.PATH and scope["method"] == _METHOD else None
        if asked is None or not self._load.enter():
            await self._app(scope, receive, send)
            return
        try:
            traceparent, trace_id = self._traces.without_span(asked.headers)
            if traceparent:
                await self._serve(asked, send, traceparent)
            else:
                await self._trace(asked, scope, send, trace_id)
        finally:
            self._load.leave()

    def _read(self, scope: Scope) -> Asked | None:
        """None for what is not plain."""
        pairs: Sequence[Header] = scope["headers"]
        headers = dict(pairs)
        if (
            len(headers) != len(pairs)
            or headers.get(b"content-length", b"0") != b"0"
            or b"transfer-encoding" in headers
        ):
            return None
        found = self._queries.read(scope["query_string"])
        caller = self._callers.of(scope, headers) if found else None
        if found is None or caller is None:
            return None
        query, cursor = found
        cursors = query.scope + str(caller.viewer.id)
        try:
            token = self._cursors.open(cursors, cursor)
        except InvalidArgument:
            return None
        if query.order == ORDER_TOP and not token:
            return None  # a ranking is made: dear, and limited by more than reads are
        return Asked(caller, query, token, cursors, headers, _request_id(headers.get(b"x-request-id")))

    async def _trace(self, asked: Asked, scope: Scope, send: Send, trace_id: int) -> None:
        span = self._traces.begin(scope, asked.headers, _NAME, trace_id)
        traces.end(span, await self._serve(asked, send))

    async def _serve(self, asked: Asked, send: Send, traceparent: str | None = None) -> int:
        """The status. Without `traceparent` the trace is the current one."""
        started = time.perf_counter()
        limits: list[Header] = []
        try:
            answer = self._shown(asked, await uninterrupted(self._page(asked, limits, traceparent)))
        except Exception as error:  # noqa: BLE001 the outermost boundary of a request
            answer = _failed(asked, error, traceparent)
        headers = [*answer.headers, *self._around(asked, limits, traceparent)]
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})
        self._record(asked, answer.status, time.perf_counter() - started, traceparent)
        return answer.status

    async def _page(self, asked: Asked, limits: list[Header], traceparent: str | None) -> GetHomePageResponse:
        """Puts the headers about limits where they are asked for. Raises DomainError."""
        caller = asked.caller
        if told := self._tolls.refusal(caller):
            limits += headers_of(told)
            raise refused(told)
        verdict_of = self._tolls.begin(caller)
        if asked.query.order == ORDER_TOP or self._tolls.is_pressing(caller):
            # Dear to answer, or likely in vain: no work before the verdict.
            await self._pay(caller, verdict_of, limits)
            return await self._ask(asked, traceparent)
        try:
            return await self._ask(asked, traceparent)
        finally:
            await self._pay(caller, verdict_of, limits)

    async def _ask(self, asked: Asked, traceparent: str | None) -> GetHomePageResponse:
        return await self._feed.call(
            _CALL, _request(asked), GetHomePageResponse, seconds=_FEED_SECONDS, traceparent=traceparent
        )

    async def _pay(self, caller: Caller, verdict_of: Callable[[], Awaitable[Verdict]], limits: list[Header]) -> None:
        """Raises ResourceExhausted."""
        verdict = await verdict_of()
        limits += (caller.policy, current_of(verdict))
        if not verdict.allowed:
            self._tolls.remember(caller, verdict)
            raise refused(verdict)

    def _shown(self, asked: Asked, page: GetHomePageResponse) -> Answer:
        cursor = self._cursors.sign(asked.cursors, page.next_page_token)
        body = home.encoded(page, cursor)
        link = [(b"link", b'%s%s>; rel="next"' % (asked.query.link, cursor.encode()))] if cursor else []
        size = (b"content-length", b"%d" % len(body))
        if asked.token:
            return Answer(200, [_NO_STORE, *link, size, _JSON, _VARY], body)
        tag = etags.tag_of(body)
        known = asked.headers.get(b"if-none-match")
        told = [(b"etag", tag.encode()), _PRIVATE, _VARY_MORE, *link]
        if known is not None and not etags.none_match(known.decode("latin-1"), tag):
            return Answer(304, told, b"")
        return Answer(200, [*told, size, _JSON], body)

    def _around(self, asked: Asked, limits: Sequence[Header], traceparent: str | None) -> list[Header]:
        """What all answers have."""
        origin = asked.headers.get(b"origin")
        found = list(self._cors.headers(origin)) if origin is not None else []
        found += (*edge.FIXED_HEADERS, (b"x-request-id", asked.request_id), *limits, edge.DEFAULT_POLICY)
        if told := traceparent or telemetry.traceparent():
            found.append((b"traceparent", told.encode()))
        return found

    def _record(self, asked: Asked, status: int, seconds: float, traceparent: str | None) -> None:
        """Metrics tell of all, the log of those alone that failed or were slow."""
        series = self._seconds.get(status) or edge.HTTP_SECONDS.labels(_METHOD, home.PATH, status)
        series.observe(seconds, None if traceparent else telemetry.exemplar())
        if status >= 400 or seconds >= _SLOW_SECONDS:
            _join(traceparent)
            edge.note(_METHOD, home.PATH, status, seconds, asked.request_id.decode())


def _request(asked: Asked) -> GetHomePageRequest:
    query = asked.query
    return GetHomePageRequest(
        viewer_id=asked.caller.viewer.id, page_size=query.limit, page_token=asked.token, order=query.order
    )


def _join(traceparent: str | None) -> None:
    """For what names the trace: the log, and problem documents."""
    if traceparent:
        telemetry.adopt(traceparent)


def _failed(asked: Asked, error: Exception, traceparent: str | None) -> Answer:
    _join(traceparent)
    if edge.is_unexpected(error):
        logger.error("unexpected error", request_id=asked.request_id.decode(), exc_info=error)
    response = problem(error, home.PATH)
    return Answer(response.status_code, [*response.raw_headers, _VARY], bytes(response.body))


def _request_id(came: bytes | None) -> bytes:
    """As the edge would choose it."""
    known = came is not None and edge.REQUEST_ID.fullmatch(came.decode("latin-1"))
    return came if came is not None and known else edge.new_request_id().encode()
