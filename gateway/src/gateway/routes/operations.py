"""Keys, health and the documents that describe the API."""

import asyncio

import msgspec
from fastapi import Request, Response
from kit.errors import DomainError, Unavailable

from gateway import docs
from gateway.here import HereDep, answer
from gateway.routing import Auth, Policy, Routes
from gateway.schemas import answers

routes = Routes("Operations")

_OPEN = Policy(Auth.OPEN)
_CHECK_SECONDS = 1.0


@routes.add("GET /.well-known/jwks.json", "getJwks", "Public keys of access tokens", answers.Jwks, policy=_OPEN)
async def jwks(here: HereDep) -> Response:
    text = await here.parts.keys.json()
    return Response(text, 200, {"Cache-Control": "public, max-age=60"}, "application/json")


@routes.add("GET /healthz", "getHealth", "Whether the process lives", answers.Health, policy=_OPEN)
async def healthz() -> Response:
    return answer(answers.Health("ok"))


@routes.add(
    "GET /readyz", "getReadiness", "Whether the process can serve", answers.Health, problems=(503,), policy=_OPEN
)
async def readyz(here: HereDep) -> Response:
    failing: list[str] = []
    for name, check in (("keys", here.parts.keys.check), ("revocations", here.parts.revocations.check)):
        try:
            async with asyncio.timeout(_CHECK_SECONDS):
                await check()
        except (DomainError, TimeoutError):
            failing.append(name)
    if failing:
        raise Unavailable("NOT_READY", f"failing: {', '.join(failing)}", retry_after=1)
    return answer(answers.Health("ok"))


@routes.add("GET /openapi.json", "getOpenApi", "This document", dict, policy=_OPEN)
async def document(request: Request) -> Response:
    body = msgspec.json.encode(request.app.openapi())
    return Response(body, 200, {"Cache-Control": "no-cache"}, "application/json")


@routes.add("GET /docs", "getDocs", "The same for people", str, policy=_OPEN)
async def page(request: Request) -> Response:
    headers = {"Cache-Control": "no-cache", "Content-Security-Policy": docs.CONTENT_SECURITY_POLICY}
    return Response(docs.page(request.app.openapi()), 200, headers, "text/html; charset=utf-8")
