"""Which requests of the hot handler have spans: those that the SDK would sample, and no others."""

import random
from collections.abc import Iterator

import pytest
from gateway.hot.traces import Traces
from kit import telemetry
from opentelemetry import context
from opentelemetry.context import Context
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.trace import SpanKind
from starlette.types import Scope

TRACE, PARENT = "1" * 32, "b" * 16
SCOPE: Scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b"", "scheme": "http"}


@pytest.fixture(autouse=True)
def clean() -> Iterator[None]:
    token = context.attach(Context())
    yield
    context.detach(token)


def traced(monkeypatch: pytest.MonkeyPatch, ratio: float) -> tuple[Traces, TracerProvider]:
    provider = telemetry.provider_of(ratio)
    monkeypatch.setattr(telemetry, "tracer", provider.get_tracer("here"))
    assert isinstance(provider.id_generator, telemetry.Roots)
    return Traces(provider.id_generator), provider


@pytest.mark.parametrize("ratio", [0.0, 0.01, 0.5, 1.0])
def test_new_traces_are_sampled_as_the_sdk_samples(ratio: float) -> None:
    provider, chance = telemetry.provider_of(ratio), random.Random(7)
    roots, bound = telemetry.Roots(ratio), round(ratio * 2**64)
    ids = [chance.getrandbits(128) for _ in range(2_000)]
    ids += [high << 64 | low for high in (0, 5) for low in (1, bound - 1, bound, 2**64 - 1) if 0 <= low < 2**64]
    for one in ids:
        assert (
            roots.samples(one)
            == provider.sampler.should_sample(Context(), one, "any", SpanKind.SERVER).decision.is_sampled()
        )


def test_a_new_trace_that_is_sampled_is_the_one_that_was_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    traces, _ = traced(monkeypatch, 0.5)
    seen = {True: 0, False: 0}
    for _ in range(200):
        told, trace_id = traces.without_span({})
        seen[bool(told)] += 1
        if told:
            assert (told[:3], told[35], told[-3:], len(told)) == ("00-", "-", "-00", 55)
            continue
        span = traces.begin(SCOPE, {}, "asked", trace_id)
        assert (span.is_recording(), span.get_span_context().trace_id) == (True, trace_id)
    assert min(seen.values()) > 50


@pytest.mark.parametrize("ratio", [0.0, 1.0])
def test_a_trace_that_began_elsewhere_is_sampled_when_it_says_so(monkeypatch: pytest.MonkeyPatch, ratio: float) -> None:
    traces, _ = traced(monkeypatch, ratio)
    for flags, sampled in (("00", False), ("01", True), ("02", False), ("03", True)):
        came = f"00-{TRACE}-{PARENT}-{flags}"
        headers = {b"traceparent": came.encode()}
        assert traces.without_span(headers) == (("", 0) if sampled else (came, 0))
        if sampled:
            span = traces.begin(SCOPE, headers, "asked", 0)
            assert (span.is_recording(), f"{span.get_span_context().trace_id:032x}") == (True, TRACE)


def test_a_trace_that_is_none_is_as_good_as_no_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    for ratio in (0.0, 1.0):
        traces, _ = traced(monkeypatch, ratio)
        headers = {b"traceparent": b"00-0-0-00"}
        assert traces.without_span(headers) == ("", 0)
        span = traces.begin(SCOPE, headers, "asked", 0)
        assert (span.is_recording(), span.get_span_context().is_valid) == (ratio > 0, True)


def test_a_request_without_a_span_has_none_of_the_request_before(monkeypatch: pytest.MonkeyPatch) -> None:
    traces, _ = traced(monkeypatch, 0.0)
    traces.begin(SCOPE, {b"traceparent": f"00-{TRACE}-{PARENT}-01".encode()}, "before", 0)
    assert telemetry.is_recording()

    assert traces.without_span({})[0]

    assert not telemetry.is_recording()


def test_without_tracing_no_request_has_a_span() -> None:
    came = f"00-{TRACE}-{PARENT}-01"
    traces = Traces(None)
    assert traces.without_span({b"traceparent": came.encode()}) == (came, 0)
    assert traces.without_span({b"traceparent": b"00-0-0-01"})[0].endswith("-00")
    assert traces.without_span({})[0] != traces.without_span({})[0]
