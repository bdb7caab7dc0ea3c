"""The trace of a request that the middleware does not see: where tracing is on, a span as it would make."""

import os
import re
from contextlib import nullcontext
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


class Traces:
    """Spans are made for sampled requests alone: others cost no more than where tracing is off."""

    def __init__(self, roots: telemetry.Roots | None) -> None:
        self._roots = roots

    def without_span(self, headers: Headers) -> tuple[str, int]:
        """The trace context of a request for which no span is made: that which it came with, or a new one. It is empty
        where one is to be made, and followed by the id of its trace, which is 0 for one that began elsewhere."""
        came = headers.get(_HEADER)
        if self._roots is None:
            return (came.decode() if came is not None and _W3C.fullmatch(came) else _new(os.urandom(24))), 0
        if came is None:
            ids = os.urandom(24)
            trace_id = int.from_bytes(ids[:16])
            found = ("", trace_id) if self._roots.samples(trace_id) else (_new(ids), 0)
        else:  # the SDK is asked what an odd one means
            plain = _W3C.fullmatch(came) and not telemetry.is_sampled(came.decode())
            found = (came.decode() if plain else ""), 0
        if telemetry.is_recording():  # that of the request before, where one is sent before the other is answered
            context.attach(Context())
        return found

    def begin(self, scope: Scope, headers: Headers, name: str, trace_id: int) -> Span:
        """Makes it the current one, for the request's own task."""
        carrier = {field: headers[raw].decode("latin-1") for field, raw in _FIELDS if raw in headers}
        with self._roots.drawn(trace_id) if self._roots else nullcontext():
            span = telemetry.tracer.start_span(name, propagate.extract(carrier, Context()), SpanKind.SERVER)
        if span.is_recording():  # gathering them costs more than a span that nobody will see
            span.set_attributes(cast("dict[str, str | int]", collect_request_attributes(scope)))
        context.attach(trace.set_span_in_context(span))
        return span


def _new(ids: bytes) -> str:
    digits = ids.hex()
    return f"00-{digits[:32]}-{digits[32:]}-00"


def end(span: Span, status: int) -> None:
    if span.is_recording():
        set_status_code(span, status)
    span.end()
