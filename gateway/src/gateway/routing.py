"""How a route is declared, and what every route does around its handler: who may call, what the body may be, how long
it may take, and that a repeated POST happens once."""

import asyncio
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from kit import deadline
from kit.errors import DeadlineExceeded, DomainError

from gateway import idempotency
from gateway.auth import Viewer, person_required, required
from gateway.bodies import read_body, read_json
from gateway.errors import Refusal, problem
from gateway.here import Parts
from gateway.idempotency import Scope

_LOCK_MARGIN_SECONDS = 5.0

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Auth(Enum):
    """OPEN routes do not look at a token at all; OPTIONAL ones serve anonymous callers but refuse a bad token."""

    OPEN = "open"
    OPTIONAL = "optional"
    REQUIRED = "required"


@dataclass(frozen=True)
class Policy:
    """`seconds` is the budget once the body is there; `once` heeds Idempotency-Key: a repeat gets the first answer when
    `replayed`, else it goes to the services again, which know the creation id; a
    `bodiless` request is as good as one with JSON; `multipart` bodies are the handler's own to read, and so are
    those of a `form`, and `body` tells the document what it reads; `unguessable` is what an open route takes that is
    long and random."""

    auth: Auth = Auth.REQUIRED
    scope: str = "read"
    seconds: float = 3.0
    once: bool = False
    replayed: bool = True
    json: bool = False
    bodiless: bool = False
    multipart: bool = False
    body: Mapping[str, Any] | None = None
    form: bool = False
    unguessable: bool = False


@dataclass(frozen=True)
class Endpoint:
    """A route as declared; gateway.openapi writes the document from it. `answers` is the type of a success's body,
    `others` those of further statuses that are no failures."""

    method: str
    path: str
    handler: Callable[..., Awaitable[Response]]
    operation_id: str
    summary: str
    answers: Any
    status: int
    tag: str
    problems: Sequence[int]
    policy: Policy
    etag: bool
    others: Mapping[int, Any]


@dataclass
class Routes:
    """The routes of one module, in the order declared."""

    tag: str
    endpoints: list[Endpoint] = field(default_factory=list[Endpoint])

    def add(
        self,
        route: str,
        operation_id: str,
        summary: str,
        answers: Any = None,
        *,
        status: int = 200,
        problems: Sequence[int] = (),
        policy: Policy | None = None,
        etag: bool = False,
        others: Mapping[int, Any] | None = None,
    ) -> Callable[[Callable[..., Awaitable[Response]]], Callable[..., Awaitable[Response]]]:
        """`route` is "GET /v1/..."."""
        method, _, path = route.partition(" ")

        def register(handler: Callable[..., Awaitable[Response]]) -> Callable[..., Awaitable[Response]]:
            self.endpoints.append(
                Endpoint(
                    method, path, handler, operation_id, summary, answers, status, self.tag, problems,
                    policy or Policy(), etag, others or {},
                )
            )  # fmt: skip
            return handler

        return register


class GuardedRoute(APIRoute):
    def __init__(self, endpoint: Endpoint, **documented: Any) -> None:
        self.policy = endpoint.policy
        super().__init__(
            endpoint.path,
            endpoint.handler,
            methods=[endpoint.method],
            operation_id=endpoint.operation_id,
            summary=endpoint.summary,
            status_code=endpoint.status,
            tags=[endpoint.tag],
            response_model=None,
            # Else the document would promise JSON where there is no body.
            response_class=JSONResponse if endpoint.answers is not None else Response,
            **documented,
        )
        # Starlette's "$" also lets a line feed (%0A) follow: such a path is another one to what limits it.
        self.path_regex = re.compile(self.path_regex.pattern.removesuffix("$") + r"\Z")

    def get_route_handler(self) -> Handler:
        return _guard(super().get_route_handler(), self.policy)


class _JsonRequest(Request):
    """A request whose body was read already, by the stricter reader."""

    def __init__(self, request: Request, value: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._value = value
        self._body = b"{}"  # there is one: FastAPI asks for nothing more

    async def json(self) -> Any:
        return self._value


def _guard(inner: Handler, policy: Policy) -> Handler:
    async def guarded(request: Request) -> Response:
        try:
            _admit(request, policy)
            if policy.multipart:
                return await inner(request)
            body = await read_body(request)
            wanted = policy.json and (body or not policy.bodiless)
            ready = _JsonRequest(request, read_json(request, body)) if wanted else request
            return await _once(request, body, policy, lambda: _answer(inner, ready, policy))
        except (Refusal, DomainError, RequestValidationError) as error:
            return problem(error, request.url.path)

    return guarded


def _admit(request: Request, policy: Policy) -> None:
    """Raises Unauthenticated, PermissionDenied, or what stood in the way of telling."""
    state = request.state
    if policy.auth is Auth.OPEN:
        state.viewer = None
        return
    if state.viewer_error is not None:
        raise state.viewer_error
    viewer: Viewer | None = state.viewer
    if viewer is None:
        if policy.auth is Auth.REQUIRED:
            raise required()
        return
    viewer.require(policy.scope)
    if not viewer.is_person:
        if policy.auth is Auth.REQUIRED:
            raise person_required()
        state.viewer = None  # an app by itself sees what anybody does


async def _answer(inner: Handler, request: Request, policy: Policy) -> Response:
    """The handler's answer within the budget; failures that services and validation tell of are answers too."""
    try:
        with deadline.within(policy.seconds):
            async with asyncio.timeout(policy.seconds):
                return await inner(request)
    except TimeoutError:
        late = DeadlineExceeded("DEADLINE_EXCEEDED", "the answer did not come in time")
        return problem(late, request.url.path)
    except (Refusal, DomainError, RequestValidationError) as error:
        return problem(error, request.url.path)


async def _once(request: Request, body: bytes, policy: Policy, act: Callable[[], Awaitable[Response]]) -> Response:
    key = idempotency.read_key(request.headers.getlist("idempotency-key")) if policy.once else None
    if key is None:
        return await act()
    parts: Parts = request.app.state.parts
    fingerprint = parts.records.fingerprint(body)
    scope = scope_of(request, key)
    request.state.creation_id = _creation_id(request, scope, fingerprint)
    claim = await parts.records.claim(scope, fingerprint, policy.seconds + _LOCK_MARGIN_SECONDS)
    if isinstance(claim, Response):
        return claim
    try:
        response = await act()
    except BaseException:
        await asyncio.shield(claim.release())
        raise
    await (claim.settle(response) if policy.replayed else claim.release())
    return response


def scope_of(request: Request, key: str) -> Scope:
    viewer: Viewer | None = request.state.viewer
    caller = f"user:{viewer.id}" if viewer else f"address:{request.state.address}"
    return Scope(caller, f"{request.method} {request.url.path}", key)


def _creation_id(request: Request, scope: Scope, fingerprint: str) -> str:
    """Whoever is not logged in may come from another address next time, but sends the same body."""
    if request.state.viewer is not None:
        return scope.creation_id
    return Scope(f"body:{fingerprint}", scope.route, scope.key).creation_id
