"""The trace of a request that the middleware does not see: spans of the same name and attributes."""

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

from gateway import edge
from gateway.hot.callers import Headers


class Trace:
    """Joins the trace that the request came with, or begins one; for the request's own task. Where tracing is on it is
    a span until `end`."""

    def __init__(self, scope: Scope, headers: Headers, name: str) -> None:
        self._span: Span | None = None
        if telemetry.enabled():
            self._span = _span(scope, headers, name)
            context.attach(trace.set_span_in_context(self._span))
        else:
            came = headers.get(telemetry.TRACEPARENT.encode())
            edge.join_trace(came.decode("latin-1") if came is not None else None)

    def end(self, status: int) -> None:
        if self._span is not None:
            if self._span.is_recording():
                set_status_code(self._span, status)
            self._span.end()


def _span(scope: Scope, headers: Headers, name: str) -> Span:
    carrier = {field: headers[raw].decode("latin-1") for field in _FIELDS if (raw := field.encode()) in headers}
    came = propagate.extract(carrier, Context())
    span = telemetry.tracer.start_span(name, came, SpanKind.SERVER)
    if span.is_recording():  # gathering them costs more than a span that nobody will see
        span.set_attributes(cast("dict[str, str | int]", collect_request_attributes(scope)))
    return span


_FIELDS = tuple(propagate.get_global_textmap().fields)
