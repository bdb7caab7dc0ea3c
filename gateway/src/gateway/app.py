"""The application: routes behind the gate, the gate behind the edge."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.telemetry import TelemetryConfig
from kit import telemetry
from kit.errors import DomainError
from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware
from opentelemetry.util.http import ExcludeList
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp

from gateway import cors, openapi
from gateway.classes import Classes
from gateway.edge import Edge, Load
from gateway.errors import problem
from gateway.gate import Gate
from gateway.here import Parts
from gateway.hot.feed import HotFeed
from gateway.routes import (
    accounts,
    admin,
    apps,
    authorize,
    avatars,
    comments,
    credentials,
    delivery,
    factors,
    feed,
    graph,
    lifecycle,
    me,
    media,
    notifications,
    oauth,
    operations,
    posts,
    ranking,
    relations,
    search,
    sessions,
    settings,
    suggestions,
    tags,
    uploads,
    users,
)
from gateway.routing import Endpoint, GuardedRoute

_MODULES = (
    accounts, credentials, sessions, me, settings, avatars, users, graph, relations, uploads, media, posts, comments,
    feed, notifications, search, delivery, operations, apps, authorize, oauth, admin, factors, suggestions, lifecycle,
    tags, ranking,
)  # fmt: skip

_UNTRACED = ExcludeList(["/healthz", "/readyz"])
# FastAPI's own spans would begin a second trace within each request.
_UNTOLD: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}


def build(parts: Parts, *, hot: bool = True) -> ASGIApp:
    """Without `hot` every request takes the long way: the answers are the same."""
    api = build_api()
    api.state.parts = parts
    gate = Gate(api, parts, Classes(endpoints()))
    load = Load(parts.settings.max_concurrent_calls)
    edge = Edge(cors.allow(gate, parts.settings.cors_origins), load)
    whole = _traced(edge) if telemetry.enabled() else edge
    return HotFeed(whole, parts, load) if hot else whole


def _traced(app: ASGIApp) -> ASGIApp:
    """With one span a request, none for each message of it."""
    return OpenTelemetryMiddleware(app, excluded_urls=_UNTRACED, exclude_spans=["receive", "send"])


def endpoints() -> Sequence[Endpoint]:
    """All routes as declared."""
    return [endpoint for module in _MODULES for endpoint in module.routes.endpoints]


def build_api() -> FastAPI:
    """The routes alone, which is all that the OpenAPI document needs."""
    api = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, telemetry=_UNTOLD)
    for kind in (HTTPException, RequestValidationError, DomainError, ClientDisconnect, Exception):
        api.add_exception_handler(kind, _on_error)
    api.router.routes.extend(_routes())
    _document_once(api, endpoints())
    return api


@cache
def _routes() -> Sequence[GuardedRoute]:
    """Made once, for it takes long to read every handler: they hold nothing of an application."""
    return [GuardedRoute(endpoint, **openapi.documented(endpoint)) for endpoint in endpoints()]


def _document_once(api: FastAPI, endpoints: Sequence[Endpoint]) -> None:
    @cache
    def write() -> dict[str, Any]:
        return openapi.document(api, endpoints)

    api.openapi = write  # the way that FastAPI's documentation shows


async def _on_error(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == 405:
        error = HTTPException(405, headers={"Allow": _allowed(request)})
    return problem(error, request.url.path)


def _allowed(request: Request) -> str:
    """Starlette names the methods of the first route that fits; a path has one route for each method."""
    methods: set[str] = set()
    for route in request.app.router.routes:
        if isinstance(route, GuardedRoute) and route.path_regex.match(request.scope["path"]):
            methods |= route.methods or set()
    return ", ".join(sorted(methods | ({"HEAD"} if "GET" in methods else set())))
