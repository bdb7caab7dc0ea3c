"""Which web pages of other origins may use the API. There are no cookies, so any may by default."""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.errors import Refusal, problem

_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")
_ASKED = (
    "Authorization", "Content-Type", "Idempotency-Key", "If-Match", "If-None-Match", "Range", "traceparent",
    "X-Request-Id",
)  # fmt: skip
_SHOWN = (
    "ETag", "Idempotency-Replayed", "Link", "Location", "RateLimit", "RateLimit-Policy", "Retry-After", "traceparent",
    "X-Request-Id", "WWW-Authenticate",
)  # fmt: skip


def allow(app: ASGIApp, origins: Sequence[str]) -> "_Cors":
    return _Cors(
        app, allow_origins=origins, allow_methods=_METHODS, allow_headers=_ASKED, expose_headers=_SHOWN, max_age=7200
    )


class Told:
    """What answers say to pages of other origins, without the middleware."""

    def __init__(self, origins: Sequence[str]) -> None:
        self._rules = allow(_nothing, origins)
        self._plain = [(name.lower().encode(), value.encode()) for name, value in self._rules.simple_headers.items()]

    def headers(self, origin: bytes) -> Sequence[tuple[bytes, bytes]]:
        """Beside a Vary that names Origin, as all answers have it."""
        if self._rules.allow_all_origins or not self._rules.is_allowed_origin(origin.decode("latin-1")):
            return self._plain
        return [*self._plain, (b"access-control-allow-origin", origin)]


class _Cors(CORSMiddleware):
    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code < 400:
            return response
        refused = problem(Refusal(400, "CORS_REFUSED", "this origin, method or header is not allowed"), "*")
        refused.headers["Vary"] = response.headers.get("vary", "Origin")
        return refused


async def _nothing(_scope: Scope, _receive: Receive, _send: Send) -> None: ...
