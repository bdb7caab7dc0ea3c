"""What the hot handler leaves behind in traces, metrics and logs, as a process is seen from outside."""

import json
import signal
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import grpc
import httpx
from gateway_process import free_port, gateway_process
from gateway_world import World
from heliograph.feed.v1 import feed_pb2
from kit import telemetry
from kit.errors import Unavailable
from kit.testing import eventually
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as otlp
from opentelemetry.proto.trace.v1.trace_pb2 import Span

PATH = "/v1/me/feed"
LONG, HOT, UNSEEN = "1" * 32, "2" * 32, "3" * 32


@dataclass
class Collector:
    spans: list[Span] = field(default_factory=list[Span])

    async def export(self, request: otlp.ExportTraceServiceRequest, _: object) -> otlp.ExportTraceServiceResponse:
        for resource in request.resource_spans:
            self.spans.extend(span for scope in resource.scope_spans for span in scope.spans)
        return otlp.ExportTraceServiceResponse()

    def of(self, trace: str) -> Sequence[Span]:
        return [span for span in self.spans if span.trace_id.hex() == trace]


@asynccontextmanager
async def _collecting() -> AsyncGenerator[tuple[Collector, str]]:
    collector, server = Collector(), grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(
        collector.export,
        otlp.ExportTraceServiceRequest.FromString,
        otlp.ExportTraceServiceResponse.SerializeToString,
    )
    service = "opentelemetry.proto.collector.trace.v1.TraceService"
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, {"Export": handler})])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield collector, f"http://127.0.0.1:{port}"
    finally:
        await server.stop(0)


def _asking(world: World, token: str, trace: str, flags: str = "01") -> dict[str, str]:
    return {"Authorization": f"Bearer {token}", "traceparent": f"00-{trace}-{'b' * 16}-{flags}", "x-request-id": trace}


def _outermost(spans: Sequence[Span]) -> Span:
    """The only one below the caller's own."""
    (outermost,) = [span for span in spans if span.parent_span_id.hex() == "b" * 16]
    return outermost


def _attributes(span: Span) -> dict[str, str | int]:
    """Without the port, which differs from one connection to the next."""
    found = {one.key: one.value.string_value or one.value.int_value for one in span.attributes}
    return {name: value for name, value in found.items() if name != "net.peer.port"}


async def test_a_sampled_request_has_the_spans_that_it_has_on_the_long_way(world: World):
    token = world.token()
    async with _collecting() as (collector, endpoint):
        traced = {"otlp_endpoint": endpoint, "trace_sample_ratio": "0"}
        async with gateway_process(world, **traced) as (process, client):
            long = await client.get(PATH, headers=_asking(world, token, LONG))  # nobody saw the token before
            hot = await client.get(PATH, headers=_asking(world, token, HOT))
            unseen = await client.get(PATH, headers=_asking(world, token, UNSEEN, "00"))
            process.send_signal(signal.SIGTERM)
            await process.wait()
    assert [answer.status_code for answer in (long, hot, unseen)] == [200, 200, 200]
    ordinary, own = _outermost(collector.of(LONG)), _outermost(collector.of(HOT))
    assert (own.name, own.kind, own.kind) == (ordinary.name, ordinary.kind, Span.SPAN_KIND_SERVER)
    assert _attributes(own) == _attributes(ordinary)
    assert hot.headers["traceparent"] == f"00-{HOT}-{own.span_id.hex()}-01"
    below = [span for span in collector.of(HOT) if span.parent_span_id == own.span_id]
    assert {span.name for span in below} >= {"/heliograph.feed.v1.FeedService/GetHomePage"}
    assert collector.of(UNSEEN) == []
    assert unseen.headers["traceparent"].startswith(f"00-{UNSEEN}-")


async def test_the_trace_id_reaches_the_feed_service_without_spans(world: World):
    seen: list[str | None] = []

    def page(_: object) -> feed_pb2.GetHomePageResponse:
        seen.append(telemetry.trace_id())
        return feed_pb2.GetHomePageResponse()

    world.feed.answer("GetHomePage", page)
    app, _ = await world.gateway()
    client = await world.client(app, world.token())
    traces = [(await client.get(PATH)).headers["traceparent"] for _ in range(3)]
    given = f"00-{HOT}-{'b' * 16}-00"
    assert (await client.get(PATH, headers={"traceparent": given})).headers["traceparent"] == given
    assert seen == [*(trace.split("-")[1] for trace in traces), HOT]
    assert len(set(seen)) == 4


async def test_successes_are_counted_and_failures_are_logged_too(world: World):
    token, ops = world.token(), free_port()
    async with gateway_process(world, ops_listen=f"127.0.0.1:{ops}") as (process, client):
        for trace in (LONG, HOT, HOT):
            assert (await client.get(PATH, headers=_asking(world, token, trace))).status_code == 200
        world.feed.answer("GetHomePage", Unavailable("REDIS_UNAVAILABLE", "a backing service is not available"))
        assert (await client.get(PATH, headers=_asking(world, token, UNSEEN))).status_code == 503

        async def counted() -> bool:
            async with httpx.AsyncClient() as other:
                lines = (await other.get(f"http://127.0.0.1:{ops}/metrics")).text.splitlines()
            name = 'heliograph_http_seconds_count{method="GET",route="/v1/me/feed",status="%s"} %s'
            return {name % (200, "3.0"), name % (503, "1.0"), "heliograph_http_in_flight 0.0"} <= set(lines)

        await eventually(counted)
        process.send_signal(signal.SIGTERM)
        output = (await process.communicate())[0].decode()
    lines = [line for line in map(json.loads, output.splitlines()) if line.get("route") == PATH]
    told = [(line["event"], line["request_id"], line["status"], line["trace_id"]) for line in lines]
    assert told == [("request", LONG, 200, LONG), ("request", UNSEEN, 503, UNSEEN)]
