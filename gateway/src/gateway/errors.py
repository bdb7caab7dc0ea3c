"""The one place where a failure becomes a problem document (RFC 9457).

`type` is a path of this API, "/problems/<reason in kebab case>": stable, and documented in README.md by its reason.
"""

from collections.abc import Iterable, Mapping, Sequence
from http import HTTPStatus
from itertools import islice
from math import ceil
from typing import Any
from urllib.parse import quote

import msgspec
from fastapi.exceptions import RequestValidationError
from kit import errors, telemetry
from kit.errors import DomainError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from gateway.schemas.answers import FieldError, Problem

MEDIA_TYPE = "application/problem+json"

_STATUS: Mapping[type[DomainError], int] = {
    errors.InvalidArgument: 422,
    errors.Unauthenticated: 401,
    errors.PermissionDenied: 403,
    errors.NotFound: 404,
    errors.AlreadyExists: 409,
    errors.Aborted: 409,
    errors.FailedPrecondition: 409,
    errors.ResourceExhausted: 429,
    errors.Unavailable: 503,
    errors.DeadlineExceeded: 504,
    errors.Internal: 500,
}
_STATUS_BY_REASON = {
    "BAD_CURSOR": 400,
    "BAD_PAGE_TOKEN": 400,  # nosec B105 a reason
    "ETAG_MISMATCH": 412,
    "BLOCKED_BY_VIEWER": 422,
    "REQUEST_ID_REUSED": 422,
}
_MOST_FAULTS = 100
_ROUTING = {404: ("NOT_FOUND", "there is nothing here"), 405: ("METHOD_NOT_ALLOWED", "not a method of this resource")}
_encode = msgspec.json.Encoder().encode


class Refusal(Exception):
    """A request that HTTP itself refuses, before any service is asked."""

    def __init__(
        self,
        status: int,
        reason: str,
        detail: str,
        *,
        fields: Sequence[FieldError] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(f"{reason}: {detail}")
        self.status, self.reason, self.detail = status, reason, detail
        self.fields, self.headers = tuple(fields), dict(headers or {})


def bad_field(pointer: str, reason: str) -> Refusal:
    return Refusal(422, "INVALID_FIELD", "a field is not as it should be", fields=[FieldError(pointer, reason)])


def refusal_of(error: Exception) -> Refusal:
    """What the client may know of `error`. An unknown exception is a bug: the same words for all of them."""
    match error:
        case Refusal():
            return error
        case RequestValidationError():
            return _of_validation(error.errors())
        case HTTPException():
            return _of_http(error)
        case ClientDisconnect():
            return Refusal(400, "BODY_BROKEN_OFF", "the body broke off")  # read by nobody but our own log
        case _:
            known = errors.from_exception(error) or errors.Internal("INTERNAL", "internal error")
            return _of_domain(known)


def problem(error: Exception, instance: str) -> Response:
    """The answer to a request for the path `instance` that met `error`."""
    refusal = refusal_of(error)
    document = Problem(
        type=type_of(refusal.reason),
        title=refusal.reason.replace("_", " ").capitalize(),
        status=refusal.status,
        detail=refusal.detail,
        instance=quote(instance, safe="/:@!$&'()*+,;=~"),
        reason=refusal.reason,
        trace_id=telemetry.trace_id() or "",
        errors=list(refusal.fields),
    )
    headers = {"Cache-Control": "no-store", **refusal.headers}
    return Response(_encode(document), refusal.status, headers, MEDIA_TYPE)


def type_of(reason: str) -> str:
    return "/problems/" + reason.lower().replace("_", "-")


def _of_domain(error: DomainError) -> Refusal:
    status = _STATUS_BY_REASON.get(error.reason) or _STATUS.get(type(error), 500)
    headers: dict[str, str] = {}
    if status == HTTPStatus.UNAUTHORIZED or "challenge" in error.metadata:
        headers["WWW-Authenticate"] = error.metadata.get("challenge", 'Bearer realm="heliograph"')
    if error.retry_after is not None or status in (429, 503):
        headers["Retry-After"] = str(max(1, ceil(error.retry_after or 1)))
    if status == HTTPStatus.INTERNAL_SERVER_ERROR:
        return Refusal(500, "INTERNAL", "internal error")
    fields = [FieldError(fault.field, fault.reason) for fault in error.fields]
    return Refusal(status, error.reason, error.message, fields=fields, headers=headers)


def _of_http(error: HTTPException) -> Refusal:
    """Starlette's own: an unknown route, a wrong method, a body that cannot be read."""
    reason, detail = _ROUTING.get(
        error.status_code, (HTTPStatus(error.status_code).name, "the request cannot be served")
    )
    return Refusal(error.status_code, reason, detail, headers=error.headers)


def _of_validation(faults: Iterable[Mapping[str, Any]]) -> Refusal:
    told = islice(faults, _MOST_FAULTS)
    found = [(str(fault["loc"][0]), FieldError(_pointer(fault["loc"][1:]), _why(fault))) for fault in told]
    if any(place == "path" for place, _ in found):
        # A path that names nothing: the same answer as for an id that never was.
        return Refusal(404, "NOT_FOUND", "there is nothing here")
    return Refusal(422, "INVALID_FIELD", "some fields are not as they should be", fields=[fault for _, fault in found])


def _pointer(location: Sequence[str | int]) -> str:
    """RFC 6901. Names come from the client: what cannot be written in UTF-8 is replaced."""
    escaped = (str(part).replace("~", "~0").replace("/", "~1") for part in location)
    return "".join(f"/{part}" for part in escaped).encode("utf-8", "replace").decode()


def _why(fault: Mapping[str, Any]) -> str:
    """In words that do not repeat what was sent."""
    match fault["type"]:
        case "extra_forbidden":
            return "unknown field"
        case "missing":
            return "required"
        case "value_error":
            return str(fault["msg"]).removeprefix("Value error, ")
        case _:
            return str(fault["msg"]).encode("utf-8", "replace").decode()
