"""Bytes of media: the origin behind the edge, and the whole of delivery where there is no edge."""

import re

from fastapi import Request, Response
from kit.errors import NotFound
from rendering.media_urls import is_media_path
from starlette.responses import StreamingResponse

from gateway.errors import Refusal
from gateway.here import Here, HereDep
from gateway.routing import Auth, Policy, Routes

routes = Routes("Delivery")

_POLICY = Policy(Auth.OPEN, seconds=20)
# Browsers may keep the file for a year: its key never changes. The edge asks again after a minute, so that the files
# of what was deleted or made private are gone from it by then.
_PUBLIC = "public, max-age=31536000, immutable, s-maxage=60"
_PASSED_ON = ("content-type", "content-length", "content-range", "etag", "last-modified")
_ONE_RANGE = re.compile(r"bytes=([0-9]{1,18}-[0-9]{0,18}|-[0-9]{1,18})")


@routes.add(
    "GET /media/p/{path:path}", "getPublicFile", "A public file", bytes, problems=(404, 416), policy=_POLICY, etag=True
)
async def public(here: HereDep, path: str) -> Response:
    if not is_media_path(path):
        raise _not_found()
    return await _deliver(here, f"public/{path}", _PUBLIC)


@routes.add(
    "GET /media/s/{path:path}",
    "getSignedFile",
    "A private file, by a URL that expires",
    bytes,
    problems=(404, 416),
    policy=_POLICY,
    etag=True,
)
async def signed(here: HereDep, path: str, exp: str = "", sig: str = "") -> Response:
    left = here.parts.urls.seconds_left(path, exp, sig)
    if not left or not is_media_path(path):
        raise _not_found()
    return await _deliver(here, f"private/{path}", f"private, max-age={left}")


async def _deliver(here: Here, key: str, cache_control: str) -> Response:
    sent = here.request.headers
    found = await here.parts.bucket.open(
        key, byte_range=_range(here.request), if_none_match=sent.get("if-none-match", "")
    )
    if found.status == 404:
        raise _not_found()
    headers = {name: found.headers[name] for name in _PASSED_ON if name in found.headers}
    headers |= {
        "accept-ranges": "bytes",
        "cache-control": cache_control,
        "cross-origin-resource-policy": "cross-origin",
    }
    if found.status == 416:
        raise _unsatisfiable(headers.get("content-range", "bytes */*"))
    if found.status == 304 or here.is_head:
        await found.chunks.aclose()
        if found.status == 304:
            headers.pop("content-length", None)
        return Response(status_code=found.status, headers=headers)
    return StreamingResponse(found.chunks, found.status, headers)


def _range(request: Request) -> str:
    """One range, without a condition of its own; whatever else is asked gets the whole file, as HTTP allows."""
    asked = request.headers.get("range", "")
    return asked if _ONE_RANGE.fullmatch(asked) and "if-range" not in request.headers else ""


def _unsatisfiable(content_range: str) -> Refusal:
    return Refusal(416, "RANGE_NOT_SATISFIABLE", "the file is shorter", headers={"Content-Range": content_range})


def _not_found() -> NotFound:
    return NotFound("MEDIA_NOT_FOUND", "there is no such file")
