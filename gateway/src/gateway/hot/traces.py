"""The trace of a request that the middleware does not see: where tracing is on, a span as it would make."""

import os
import re
from typing import cast

from kit import telemetry
from opentelemetry import context, propagate, trace
from opentelemetry.context import Context
from opentelemetry.instrumentation.asgi import (
    collect_request_attributes,  # pyright: ignore[reportUnknownVariableType] typed in part
    set_status_code,  # pyright: ignore[reportUnknownVariableType] typed in part
)
from opentelemetry.trace import Span, SpanKind
from starlette.types import Scope

from gateway.hot.callers import Headers

_W3C = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_HEADER = telemetry.TRACEPARENT.encode()
_FIELDS = [(field, field.encode()) for field in sorted(propagate.get_global_textmap().fields)]


def traceparent_of(headers: Headers) -> str:
    """The trace that the request came with, or a new one: for where no span is made."""
    came = headers.get(_HEADER)
    if came is not None and _W3C.fullmatch(came):
        return came.decode()
    ids = os.urandom(24).hex()
    return f"00-{ids[:32]}-{ids[32:]}-00"


def begin(scope: Scope, headers: Headers, name: str) -> Span:
    """Makes it the current one, for the request's own task."""
    carrier = {field: headers[raw].decode("latin-1") for field, raw in _FIELDS if raw in headers}
    span = telemetry.tracer.start_span(name, propagate.extract(carrier, Context()), SpanKind.SERVER)
    if span.is_recording():  # gathering them costs more than a span that nobody will see
        span.set_attributes(cast("dict[str, str | int]", collect_request_attributes(scope)))
    context.attach(trace.set_span_in_context(span))
    return span


def end(span: Span, status: int) -> None:
    if span.is_recording():
        set_status_code(span, status)
    span.end()
