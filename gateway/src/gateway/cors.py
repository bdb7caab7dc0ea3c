"""Which web pages of other origins may use the API. There are no cookies, so any may by default."""

from collections.abc import Sequence

from starlette.datastructures import Headers
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

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


def allow(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    return _Cors(
        app, allow_origins=origins, allow_methods=_METHODS, allow_headers=_ASKED, expose_headers=_SHOWN, max_age=7200
    )


class _Cors(CORSMiddleware):
    def preflight_response(self, request_headers: Headers) -> Response:
        response = super().preflight_response(request_headers)
        if response.status_code < 400:
            return response
        refused = problem(Refusal(400, "CORS_REFUSED", "this origin, method or header is not allowed"), "*")
        refused.headers["Vary"] = response.headers.get("vary", "Origin")
        return refused
