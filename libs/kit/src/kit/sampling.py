"""Which requests are traced, and what their spans may hold."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from opentelemetry.context import Context
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor, TracerProvider
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, ParentBased, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import Link, SpanKind, Status, TraceState
from opentelemetry.util.types import Attributes

_BEGINNINGS = frozenset((SpanKind.SERVER, SpanKind.CONSUMER))
_LEFT_OUT = frozenset(
    (
        *(
            "http.url",
            "http.target",
            "url.full",
            "url.path",
            "url.query",
        ),  # paths name people, queries hold what they ask
        *("net.peer.ip", "net.peer.port", "client.address", "http.user_agent", "user_agent.original"),
    )
)


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


class Beginnings(Sampler):
    """Of traces that begin here: a share of the requests and events. What a process asks of others by itself, such as
    the outbox's poll or a check, begins none: nobody would look for it."""

    def __init__(self, ratio: float) -> None:
        self._share = TraceIdRatioBased(ratio)

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        sampler = self._share if kind in _BEGINNINGS else ALWAYS_OFF
        return sampler.should_sample(parent_context, trace_id, name, kind, attributes, links, trace_state)

    def get_description(self) -> str:
        return f"Beginnings{{{self._share.get_description()}}}"


class Discreet(SpanProcessor):
    """Hands spans on without what belongs to a person: the address that was asked for, where from, and errors, whose
    text may quote what somebody wrote. The log tells those, by the trace's id."""

    def __init__(self, onward: SpanProcessor) -> None:
        self._onward = onward

    def on_end(self, span: ReadableSpan) -> None:
        self._onward.on_end(_discreet(span))

    def shutdown(self) -> None:
        self._onward.shutdown()

    def force_flush(self, timeout_millis: int = 30000) -> bool:
        return self._onward.force_flush(timeout_millis)


def _discreet(span: ReadableSpan) -> ReadableSpan:
    held, cause = span.attributes or {}, (span.status.description or "").partition(":")[0] or None
    return ReadableSpan(
        name=span.name,
        context=span.context,
        parent=span.parent,
        resource=span.resource,
        attributes={name: value for name, value in held.items() if name not in _LEFT_OUT},
        links=span.links,
        kind=span.kind,
        status=Status(span.status.status_code, cause),
        start_time=span.start_time,
        end_time=span.end_time,
        instrumentation_scope=span.instrumentation_scope,
    )


def provider_of(ratio: float, resource: Resource | None = None) -> TracerProvider:
    """Samples that share of the new traces, and of others what their beginning says."""
    return TracerProvider(resource=resource, sampler=ParentBased(Beginnings(ratio)), id_generator=Roots(ratio))
