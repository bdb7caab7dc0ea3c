"""What spans are made of which traces, and what they hold."""

from datetime import UTC, datetime

import pytest
from kit import telemetry
from kit.sampling import Discreet, provider_of
from opentelemetry import trace
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

SAMPLED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = SAMPLED[:-1] + "0"


class Made:
    """A provider that samples everything that may begin, and the spans that it made."""

    def __init__(self) -> None:
        self._kept, self.provider = InMemorySpanExporter(), provider_of(1.0)
        self.provider.add_span_processor(Discreet(SimpleSpanProcessor(self._kept)))
        self.tracer = self.provider.get_tracer("here")

    @property
    def spans(self) -> list[ReadableSpan]:
        return list(self._kept.get_finished_spans())


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Made:
    made = Made()

    def provider() -> TracerProvider:
        return made.provider

    monkeypatch.setattr(trace, "get_tracer_provider", provider)
    monkeypatch.setattr(telemetry, "tracer", made.tracer)
    return made


def test_what_a_process_asks_by_itself_begins_no_trace(made: Made) -> None:
    for kind in (SpanKind.CLIENT, SpanKind.INTERNAL, SpanKind.PRODUCER):
        made.tracer.start_span("poll", kind=kind).end()
    assert made.spans == []
    with made.tracer.start_as_current_span("request", kind=SpanKind.SERVER):
        made.tracer.start_span("query", kind=SpanKind.CLIENT).end()
    assert [span.name for span in made.spans] == ["query", "request"]


def test_spans_hold_nothing_of_a_person(made: Made) -> None:
    told = {"http.url": "https://x.example/a?token=1", "net.peer.ip": "203.0.113.7", "http.method": "GET"}
    with (
        pytest.raises(ValueError, match="ada"),
        made.tracer.start_as_current_span("request", kind=SpanKind.SERVER, attributes=told),
    ):
        raise ValueError("ada@example.org is taken")
    (span,) = made.spans
    assert dict(span.attributes or {}) == {"http.method": "GET"}
    assert (span.status.status_code, span.status.description) == (StatusCode.ERROR, "ValueError")
    assert span.events == ()


def test_a_message_of_a_sampled_trace_goes_on_from_the_relays_span(made: Made) -> None:
    with telemetry.relaying() as onward:
        sent = onward("publish post.v1", SAMPLED, datetime(2026, 1, 1, tzinfo=UTC))
        assert onward("publish post.v1", UNSAMPLED, datetime.now(UTC)) == UNSAMPLED
    (span,) = made.spans
    assert span.parent
    assert span.context
    assert (f"{span.context.trace_id:032x}", f"{span.parent.span_id:016x}") == (SAMPLED[3:35], SAMPLED[36:52])
    assert sent == f"{SAMPLED[:36]}{span.context.span_id:016x}-01"
    assert span.start_time == int(datetime(2026, 1, 1, tzinfo=UTC).timestamp() * 1e9)


def test_messages_that_were_not_sent_end_their_spans_with_the_error(made: Made) -> None:
    def send() -> None:
        with telemetry.relaying() as onward:
            onward("publish post.v1", SAMPLED, datetime.now(UTC))
            raise OSError("gone")

    with pytest.raises(OSError, match="gone"):
        send()
    assert [span.status.description for span in made.spans] == ["OSError"]


def test_only_what_is_exported_is_an_exemplar(made: Made) -> None:
    assert telemetry.exemplar() is None
    with made.tracer.start_as_current_span("request", kind=SpanKind.SERVER):
        assert telemetry.exemplar() == {"trace_id": telemetry.trace_id()}
    assert telemetry.exemplar_of(SAMPLED) == {"trace_id": SAMPLED[3:35]}
    assert telemetry.exemplar_of(UNSAMPLED) is None
    assert telemetry.exemplar_of("") is None


def test_a_block_can_belong_to_another_trace() -> None:
    with telemetry.within(SAMPLED):
        assert telemetry.traceparent() == SAMPLED
        with telemetry.within(None):
            assert telemetry.traceparent() == SAMPLED
    assert telemetry.traceparent() is None
