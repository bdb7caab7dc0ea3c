"""Before routing: who is asking, how often they may, and how much they may send."""

import asyncio
from contextlib import suppress

from kit.errors import DomainError
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.addresses import client_address, limited_as
from gateway.auth import Viewer
from gateway.classes import AVATAR_PATH, Classes
from gateway.errors import Refusal, problem
from gateway.here import Parts
from gateway.limits import Subject, buckets_for, headers_of, parse_quotas, refused
from gateway.schemas.avatars import MAX_BODY_BYTES

_DRAINED_BYTES = 16 << 20
_MOST_DIGITS = 20
_DRAINED_SECONDS = 3.0


class Gate:
    """Puts `viewer`, `viewer_error`, `address` and `limit_headers` into the request's state."""

    def __init__(self, app: ASGIApp, parts: Parts, classes: Classes) -> None:
        self._app, self._parts, self._classes = app, parts, classes
        self._quotas = parse_quotas(parts.settings.rate_limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            await self._enter(scope)
            cap = self._cap(scope)
            if _announced(scope) > cap:
                await _drain(receive)
                raise _too_large(cap)
        except (Refusal, DomainError) as error:
            await problem(error, scope["path"])(scope, receive, send)
            return
        await self._app(scope, _capped(receive, cap), send)

    async def _enter(self, scope: Scope) -> None:
        headers, state = Headers(scope=scope), scope["state"]
        settings = self._parts.settings
        peer = scope["client"][0] if scope.get("client") else None
        state["address"] = client_address(peer, headers.getlist("x-forwarded-for"), settings.trusted_proxies)
        state["viewer"], state["viewer_error"] = await self._viewer(headers)
        route_class = self._classes.of(scope["method"], scope["path"])
        if route_class is None:
            return
        buckets = buckets_for(self._quotas, route_class, owners(state["viewer"], state["address"]))
        verdict = await self._parts.limiter.take(buckets)
        state["limit_headers"] = headers_of(verdict)
        if not verdict.allowed:
            raise refused(verdict)

    async def _viewer(self, headers: Headers) -> tuple[Viewer | None, Exception | None]:
        """The error is kept: whether it matters is the route's to say."""
        values = headers.getlist("authorization")
        try:
            if len(values) > 1:
                raise Refusal(400, "BAD_HEADER", "Authorization may come once")
            return await self._parts.authenticator.viewer(values[0] if values else None), None
        except (Refusal, DomainError) as error:
            return None, error

    def _cap(self, scope: Scope) -> int:
        settings = self._parts.settings
        caps = {"/v1/media/upload": settings.max_upload_bytes, AVATAR_PATH: MAX_BODY_BYTES}
        return caps.get(scope["path"], settings.max_body_bytes)


def owners(viewer: Viewer | None, address: str) -> dict[Subject, str]:
    """Who is limited, under which names."""
    owners = {Subject.ADDRESS: limited_as(address)}
    if viewer is not None and not viewer.is_person:
        return {Subject.APP: viewer.app}  # which has a limit of its own, wherever it runs
    if viewer is not None:
        owners[Subject.USER] = str(viewer.id)
        if viewer.app:
            owners[Subject.APP] = viewer.app
    return owners


def _announced(scope: Scope) -> int:
    lengths = (value.lstrip(b"0") for name, value in scope["headers"] if name == b"content-length" and value.isdigit())
    # More digits than any size has are as good as these, and int() refuses thousands of them.
    return max((int(length[:_MOST_DIGITS] or b"0") for length in lengths), default=0)


def _capped(receive: Receive, cap: int) -> Receive:
    """The same for bodies that do not say how long they are."""
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        if message["type"] == "http.request":
            received += len(message.get("body", b""))
            if received > cap:
                if message.get("more_body"):
                    await _drain(receive)
                raise _too_large(cap)
        return message

    return counted


async def _drain(receive: Receive) -> None:
    """Reads on for a while: a client that is still sending when the connection ends never sees the answer."""
    left = _DRAINED_BYTES
    with suppress(TimeoutError):
        async with asyncio.timeout(_DRAINED_SECONDS):
            while left > 0:
                message = await receive()
                left -= len(message.get("body", b""))
                if not message.get("more_body"):
                    return


def _too_large(cap: int) -> Refusal:
    # What is still on its way after that will not be read: the connection ends here.
    return Refusal(413, "BODY_TOO_LARGE", f"the body has more than {cap} bytes", headers={"Connection": "close"})
