"""What a route's handler has at hand."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from fastapi import Depends, Request
from kit.limits import Limiter
from kit.paging import Cursors
from kit.s3 import Bucket
from rendering.media_urls import MediaUrls
from starlette.responses import Response

from gateway import etags
from gateway.auth import Authenticator, Viewer, required
from gateway.clients import Services
from gateway.idempotency import Records
from gateway.keys import Keys
from gateway.limits import RouteClass, Subject, buckets_for, parse_quotas, refused
from gateway.notes import Notes
from gateway.render import Render
from gateway.revocations import Revocations
from gateway.settings import GatewaySettings

_encode = msgspec.json.Encoder().encode
PRIVATE = "private, no-cache"
_USER_AGENT_KEPT = 512


@dataclass(frozen=True)
class Parts:
    """All that the process is made of."""

    settings: GatewaySettings
    services: Services
    bucket: Bucket
    keys: Keys
    revocations: Revocations
    authenticator: Authenticator
    limiter: Limiter
    records: Records
    cursors: Cursors
    urls: MediaUrls
    render: Render
    notes: Notes


class Here:
    """One request and the parts that serve it."""

    def __init__(self, request: Request) -> None:
        self.request = request
        self.parts: Parts = request.app.state.parts
        self.services = self.parts.services
        self.render = self.parts.render
        self.notes = self.parts.notes

    @property
    def viewer(self) -> Viewer:
        """Raises Unauthenticated when nobody is named."""
        viewer: Viewer | None = self.request.state.viewer
        if viewer is None:
            raise required()
        return viewer

    @property
    def viewer_id(self) -> int:
        """0 is nobody."""
        viewer: Viewer | None = self.request.state.viewer
        return viewer.id if viewer else 0

    @property
    def is_head(self) -> bool:
        """Whether the body will not be sent."""
        return self.request.state.head

    @property
    def address(self) -> str:
        return self.request.state.address

    @property
    def user_agent(self) -> str:
        """What the client calls itself, shortened."""
        return self.request.headers.get("user-agent", "")[:_USER_AGENT_KEPT].replace("\x00", "")

    @property
    def creation_id(self) -> str:
        """What makes a repeated creation the same one to the services: the same for the same Idempotency-Key."""
        return getattr(self.request.state, "creation_id", None) or str(uuid.uuid4())

    async def spend(self, route_class: RouteClass, owners: Mapping[Subject, str]) -> None:
        """Counts the request against more than the gate has. Raises ResourceExhausted."""
        buckets = buckets_for(parse_quotas(self.parts.settings.rate_limits), route_class, owners)
        verdict = await self.parts.limiter.take(buckets)
        if not verdict.allowed:
            raise refused(verdict)

    def read(self, value: msgspec.Struct, version: str = "", headers: Mapping[str, str] | None = None) -> Response:
        """An answer with an ETag, or 304 when the client has it already."""
        return self.read_encoded(_encode(value), version, headers)

    def read_encoded(self, body: bytes, version: str = "", headers: Mapping[str, str] | None = None) -> Response:
        """The same with a body that is JSON already."""
        tag = etags.tag_of(body, version)
        sent = {"ETag": tag, "Cache-Control": PRIVATE, "Vary": "Authorization", **(headers or {})}
        if self.request.method != "GET" or etags.none_match(self.request.headers.get("if-none-match"), tag):
            return Response(body, 200, sent, "application/json")
        return Response(status_code=304, headers=sent)


async def here(request: Request) -> Here:
    return Here(request)


HereDep = Annotated[Here, Depends(here)]


def answer(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """JSON that no cache may keep."""
    return encoded_answer(_encode(value), status, headers)


def encoded_answer(body: bytes, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """The same with a body that is JSON already."""
    return Response(body, status, {"Cache-Control": "no-store", **(headers or {})}, "application/json")


def nothing() -> Response:
    return Response(status_code=204, headers={"Cache-Control": "no-store"})
