"""Tracing by OpenTelemetry, exported only when an OTLP endpoint is set.

Without one no span is made; the W3C trace context that came in is still passed on and logged.
"""

import re
from collections.abc import Callable, Generator, Iterable, MutableSequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial

import grpc
from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.trace import Span, SpanKind, StatusCode

from kit.sampling import Discreet
from kit.sampling import Roots as Roots
from kit.sampling import provider_of as provider_of
from kit.settings import ProcessSettings

TRACEPARENT = "traceparent"
BATCH = "/heliograph.batch.v1.BatchService/Many"
Header = tuple[str, bytes]

_W3C = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_FAULTS = frozenset((2, 4, 12, 13, 14, 15))  # statuses that are the callee's fault: unknown, late, internal, ...
_QUEUE = 8192  # spans that wait for the collector; more are dropped, and their traces have holes
_PATIENCE = 3  # seconds for a collector to take a batch; the end of the process waits for no more

tracer = trace.get_tracer("heliograph")


def configure(settings: ProcessSettings, service: str) -> None:
    """Called once, by the process's start. Does nothing without an OTLP endpoint."""
    if settings.otlp_endpoint is None or enabled():
        return
    # Imported here: it costs a fifth of a second that a process without tracing need not spend.
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    provider = provider_of(settings.trace_sample_ratio, Resource.create({SERVICE_NAME: service}))
    insecure = not settings.otlp_endpoint.startswith("https://")
    exporter = OTLPSpanExporter(endpoint=settings.otlp_endpoint, insecure=insecure, timeout=_PATIENCE)
    provider.add_span_processor(Discreet(BatchSpanProcessor(exporter, max_queue_size=_QUEUE)))
    trace.set_tracer_provider(provider)


def roots() -> Roots | None:
    """None where no spans are made."""
    provider = trace.get_tracer_provider()
    found = provider.id_generator if isinstance(provider, TracerProvider) else None
    return found if isinstance(found, Roots) else None


def enabled() -> bool:
    """Whether spans are made in this process."""
    return isinstance(trace.get_tracer_provider(), TracerProvider)


def shutdown() -> None:
    """Sends what is still queued; blocks for up to three seconds when the collector is gone."""
    provider = trace.get_tracer_provider()
    if isinstance(provider, TracerProvider):
        provider.shutdown()


def server_interceptor() -> grpc.aio.ServerInterceptor:
    from opentelemetry.instrumentation.grpc import _aio_server as instrumentation

    return instrumentation.OpenTelemetryAioServerInterceptor(tracer, filter_=_is_traced)


def _is_traced(call: grpc.HandlerCallDetails) -> bool:
    """The calls in a batch have spans of their own, and traces of their own; probes and reflection have none."""
    return call.method != BATCH and not call.method.startswith("/grpc.")


@contextmanager
def asking(method: str) -> Generator[Callable[[int], None]]:
    """A span of the current trace around a call that goes out. What it yields takes the status code."""
    with tracer.start_as_current_span(method, kind=SpanKind.CLIENT, attributes=_of_call(method)) as span:
        yield partial(_end, span, frozenset(range(1, 17)))


@contextmanager
def answering(method: str, came: str) -> Generator[Callable[[int], None]]:
    """The same around a call that came in a batch with this trace context."""
    context = propagate.extract({TRACEPARENT: came})
    with tracer.start_as_current_span(method, context, SpanKind.SERVER, _of_call(method)) as span:
        yield partial(_end, span, _FAULTS)


def _of_call(method: str) -> dict[str, str]:
    _, service, name = method.split("/")
    return {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}


def _end(span: Span, faults: frozenset[int], code: int) -> None:
    span.set_attribute("rpc.grpc.status_code", code)
    if code in faults:
        span.set_status(StatusCode.ERROR)


def untraced() -> str | None:
    """A trace context of which no spans are made; None where none are made anyway."""
    ids = RandomIdGenerator()
    return f"00-{ids.generate_trace_id():032x}-{ids.generate_span_id():016x}-00" if enabled() else None


def trace_id() -> str | None:
    """Of the current trace, 32 hex digits."""
    current = trace.get_current_span().get_span_context()
    return trace.format_trace_id(current.trace_id) if current.is_valid else None


def traceparent() -> str | None:
    """The current trace context as the W3C header's value."""
    return _told(trace.get_current_span())


def _told(span: Span) -> str | None:
    now = span.get_span_context()
    return f"00-{now.trace_id:032x}-{now.span_id:016x}-{now.trace_flags:02x}" if now.is_valid else None


def exemplar() -> dict[str, str] | None:
    """The current trace as the exemplar of a measurement, when it is one of those that are exported."""
    span = trace.get_current_span()
    return {"trace_id": trace.format_trace_id(span.get_span_context().trace_id)} if span.is_recording() else None


def exemplar_of(value: str) -> dict[str, str] | None:
    """The same of the trace that a W3C header's value names."""
    return {"trace_id": value[3:35]} if enabled() and is_sampled(value) else None


def is_recording() -> bool:
    """Whether the current trace is one of those that are exported."""
    return trace.get_current_span().is_recording()


def is_sampled(value: str) -> bool:
    """Whether a W3C header's value asks for spans."""
    return (found := _W3C.fullmatch(value)) is not None and bool(int(found[3], 16) & 1)


def adopt(value: str) -> None:
    """Makes a W3C header's value the current task's trace context for good: for the outermost frame of a request."""
    if found := _W3C.fullmatch(value):
        flags = trace.TraceFlags(int(found[3], 16))
        came = trace.SpanContext(int(found[1], 16), int(found[2], 16), is_remote=True, trace_flags=flags)
        otel_context.attach(trace.set_span_in_context(trace.NonRecordingSpan(came)))


@contextmanager
def within(value: str | None) -> Generator[None]:
    """The block belongs to the trace that a W3C header's value names; to the current one without a value."""
    token = otel_context.attach(otel_context.get_current())
    try:
        adopt(value or "")
        yield
    finally:
        otel_context.detach(token)


def begin() -> None:
    """Gives the current task a trace id of its own where no span will be made: for the edge, when tracing is off."""
    ids = RandomIdGenerator()
    made = trace.SpanContext(ids.generate_trace_id(), ids.generate_span_id(), is_remote=False)
    otel_context.attach(trace.set_span_in_context(trace.NonRecordingSpan(made)))


def inject(headers: MutableSequence[Header]) -> None:
    """Appends the current trace context to the headers of a Kafka message."""
    carrier: dict[str, str] = {}
    if trace.get_current_span().get_span_context().is_valid:
        propagate.inject(carrier)
    headers.extend((key, value.encode()) for key, value in carrier.items())


def extract(headers: Iterable[Header]) -> Context:
    """The trace context in the headers of a Kafka message; the current one when they hold none."""
    carrier = {
        key: value.decode("ascii", "replace") for key, value in headers if key in propagate.get_global_textmap().fields
    }
    return propagate.extract(carrier) if carrier else otel_context.get_current()


@contextmanager
def relaying() -> Generator[Callable[[str, str, datetime], str]]:
    """Around the sending of messages of many traces. What it yields takes a name, a W3C header's value and since when
    the message waited, and answers the value to send it with: of a span until the end of the block, in sampled
    traces."""
    spans: list[Span] = []
    traced = enabled()

    def onward(name: str, came: str, since: datetime) -> str:
        if not (traced and is_sampled(came)):
            return came
        context, began = propagate.extract({TRACEPARENT: came}, Context()), int(since.timestamp() * 1e9)
        spans.append(tracer.start_span(name, context, SpanKind.PRODUCER, start_time=began))
        return _told(spans[-1]) or came

    try:
        yield onward
    except BaseException as error:
        for span in spans:
            span.set_status(StatusCode.ERROR, type(error).__name__)
        raise
    finally:
        for span in spans:
            span.end()


def call_it(name: str) -> None:
    """The current span, by what is known of it by now."""
    span = trace.get_current_span()
    if span.is_recording():
        span.update_name(name)


def mark_failed(error: Exception) -> None:
    """The current span, which its block will leave without an exception."""
    trace.get_current_span().set_status(StatusCode.ERROR, type(error).__name__)


@contextmanager
def continuing(headers: Iterable[Header], name: str) -> Generator[None]:
    """Runs the handling of a Kafka message as a span of the trace that its headers carry."""
    token = otel_context.attach(extract(headers))
    try:
        if not enabled():
            yield
            return
        with tracer.start_as_current_span(name, kind=SpanKind.CONSUMER):
            yield
    finally:
        otel_context.detach(token)
