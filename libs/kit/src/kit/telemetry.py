"""Tracing by OpenTelemetry, exported only when an OTLP endpoint is set.

Without one no span is made; the W3C trace context that came in is still passed on and logged.
"""

import re
from collections.abc import Callable, Generator, Iterable, MutableSequence
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial

import grpc
from opentelemetry import context as otel_context
from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import Span, SpanKind, StatusCode

from kit.settings import ProcessSettings

TRACEPARENT = "traceparent"
BATCH = "/heliograph.batch.v1.BatchService/Many"
Header = tuple[str, bytes]

_W3C = re.compile("00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_FAULTS = frozenset((2, 4, 12, 13, 14, 15))  # statuses that are the callee's fault: unknown, late, internal, ...
_PATIENCE = 3  # seconds for a collector to take a batch; the end of the process waits for no more

tracer = trace.get_tracer("heliograph")


class Roots(RandomIdGenerator):
    """Ids of new traces, which may be drawn before there is a span: most of them are not sampled and need none."""

    def __init__(self, ratio: float) -> None:
        self._bound = TraceIdRatioBased.get_bound_for_rate(ratio)
        self._drawn: ContextVar[int] = ContextVar("drawn", default=0)

    def generate_trace_id(self) -> int:
        return self._drawn.get() or super().generate_trace_id()

    def samples(self, trace_id: int) -> bool:
        """What the sampler says of a new trace with this id."""
        return trace_id & TraceIdRatioBased.TRACE_ID_LIMIT < self._bound

    @contextmanager
    def drawn(self, trace_id: int) -> Generator[None]:
        """A span that is made within this and is the first of its trace has this id."""
        token = self._drawn.set(trace_id)
        try:
            yield
        finally:
            self._drawn.reset(token)


def configure(settings: ProcessSettings, service: str) -> None:
    """Called once, by the process's start. Does nothing without an OTLP endpoint."""
    if settings.otlp_endpoint is None or enabled():
        return
    # Imported here: it costs a fifth of a second that a process without tracing need not spend.
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

    provider = provider_of(settings.trace_sample_ratio, Resource.create({SERVICE_NAME: service}))
    insecure = not settings.otlp_endpoint.startswith("https://")
    provider.add_span_processor(
        BatchSpanProcessor(OTLPSpanExporter(endpoint=settings.otlp_endpoint, insecure=insecure, timeout=_PATIENCE))
    )
    trace.set_tracer_provider(provider)


def provider_of(ratio: float, resource: Resource | None = None) -> TracerProvider:
    """Samples that share of the new traces, and of others what their beginning says."""
    return TracerProvider(resource=resource, sampler=ParentBased(TraceIdRatioBased(ratio)), id_generator=Roots(ratio))


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

    return instrumentation.OpenTelemetryAioServerInterceptor(tracer, filter_=_is_no_batch)


def client_interceptor() -> grpc.aio.UnaryUnaryClientInterceptor:
    from opentelemetry.instrumentation.grpc import _aio_client as instrumentation

    return instrumentation.UnaryUnaryAioClientInterceptor(tracer, filter_=_is_no_batch)


def _is_no_batch(call: grpc.HandlerCallDetails | grpc.aio.ClientCallDetails) -> bool:
    """The calls in a batch have spans of their own, and traces of their own."""
    return call.method not in (BATCH, BATCH.encode())


@contextmanager
def asking(method: str) -> Generator[Callable[[int], None]]:
    """A span of the current trace around a call that goes out in a batch. What it yields takes the status code."""
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


def trace_id() -> str | None:
    """Of the current trace, 32 hex digits."""
    current = trace.get_current_span().get_span_context()
    return trace.format_trace_id(current.trace_id) if current.is_valid else None


def traceparent() -> str | None:
    """The current trace context as the W3C header's value."""
    now = trace.get_current_span().get_span_context()
    return f"00-{now.trace_id:032x}-{now.span_id:016x}-{now.trace_flags:02x}" if now.is_valid else None


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
