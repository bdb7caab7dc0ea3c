"""Spans of two processes, as a collector gets them."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from kit import client, errors
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as otlp
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from .echo import say
from .starting import start

TRACE = "0af7651916cd43dd8448eb211c80319c"
SAMPLED = (("traceparent", f"00-{TRACE}-b7ad6b7169203331-01"),)


@dataclass
class Collector:
    endpoint: str = ""
    spans: list[Span] = field(default_factory=list[Span])

    async def export(self, request: otlp.ExportTraceServiceRequest, _: object) -> otlp.ExportTraceServiceResponse:
        self.spans.extend(
            span for resource in request.resource_spans for scope in resource.scope_spans for span in scope.spans
        )
        return otlp.ExportTraceServiceResponse()


@asynccontextmanager
async def collecting() -> AsyncGenerator[Collector]:
    collector, server = Collector(), grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(
        collector.export,
        otlp.ExportTraceServiceRequest.FromString,
        otlp.ExportTraceServiceResponse.SerializeToString,
    )
    service = "opentelemetry.proto.collector.trace.v1.TraceService"
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, {"Export": handler})])
    collector.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield collector
    finally:
        await server.stop(0)


@pytest.mark.parametrize("how", [{}, {"BATCHED": "yes"}], ids=["alone", "batched"])
async def test_one_trace_leads_through_both_processes(tmp_path: Path, how: dict[str, str]) -> None:
    (tmp_path / "up").touch()
    async with collecting() as collector:
        traced = {"HELIOGRAPH_OTLP_ENDPOINT": collector.endpoint, "HELIOGRAPH_TRACE_SAMPLE_RATIO": "0"}
        async with (
            start("serve", tmp_path, **traced) as leaf,
            start("serve", tmp_path, TARGET=leaf.listen, **how, **traced) as front,
            client.channel(front.listen, service="echo") as channel,
        ):
            await asyncio.gather(leaf.ready(wanted=True), front.ready(wanted=True))
            await say(channel)(StringValue(value="0"), metadata=SAMPLED)
            with pytest.raises(errors.InvalidArgument, match="NO_NUMBER"):
                await say(channel)(StringValue(value="x"), metadata=SAMPLED)
            await say(channel)(StringValue(value="0"))
            for process in (front.process, leaf.process):
                process.terminate()
                assert await process.wait() == 0
    ours = [span for span in collector.spans if span.trace_id.hex() == TRACE]
    assert len(ours) == len(collector.spans) == 6, "two sampled calls, three spans each; the third call is not sampled"
    ids, parents = {span.span_id for span in ours}, {span.parent_span_id for span in ours}
    assert len(parents & ids) == 4, "below the two spans that came from outside all hang on one another"
    failed = [span for span in ours if span.status.code]
    assert len(failed) == 1, "a wrong request is an error for who asked, not for who was asked"


@pytest.mark.parametrize("how", [{}, {"BATCHED": "yes"}], ids=["alone", "batched"])
async def test_without_a_collector_the_trace_id_still_reaches_the_last_log(tmp_path: Path, how: dict[str, str]) -> None:
    (tmp_path / "up").touch()
    async with (
        start("serve", tmp_path) as leaf,
        start("serve", tmp_path, TARGET=leaf.listen, **how) as front,
        client.channel(front.listen, service="echo") as channel,
    ):
        await asyncio.gather(leaf.ready(wanted=True), front.ready(wanted=True))
        with pytest.raises(errors.InvalidArgument):  # a batched call leaves no line when it succeeds
            await say(channel)(StringValue(value="x"), metadata=SAMPLED)
        leaf.process.terminate()
        out, _ = await leaf.process.communicate()
    assert TRACE in out.decode()


async def test_a_collector_that_is_gone_does_not_hold_up_the_end(tmp_path: Path) -> None:
    (tmp_path / "up").touch()
    async with (
        start("serve", tmp_path, HELIOGRAPH_OTLP_ENDPOINT="http://127.0.0.1:1") as process,
        client.channel(process.listen, service="echo") as channel,
    ):
        await process.ready(wanted=True)
        await say(channel)(StringValue(value="0"), metadata=SAMPLED)
        process.process.terminate()
        async with asyncio.timeout(6):
            assert await process.process.wait() == 0
