"""A collector of traces: what OTLP brings it is kept in memory, by trace."""

from collections import defaultdict
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass

import grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as otlp
from opentelemetry.proto.trace.v1.trace_pb2 import Span

_SERVICE = "opentelemetry.proto.collector.trace.v1.TraceService"


@dataclass(frozen=True)
class Seen:
    """A span. `service` is the process that made it; ids are hex digits, `parent` is empty for the first of a trace."""

    service: str
    name: str
    kind: int
    trace: str
    id: str
    parent: str
    attributes: Mapping[str, str]


class Collector:
    def __init__(self) -> None:
        self._traces: dict[str, list[Seen]] = defaultdict(list)
        self.endpoint = ""

    def trace(self, trace_id: str) -> Sequence[Seen]:
        """The spans that came until now."""
        return tuple(self._traces.get(trace_id, ()))

    def spans(self) -> Iterator[Seen]:
        for trace_id in list(self._traces):
            yield from self.trace(trace_id)

    def export(
        self, request: otlp.ExportTraceServiceRequest, _: grpc.ServicerContext
    ) -> otlp.ExportTraceServiceResponse:
        for resource in request.resource_spans:
            of = {each.key: each.value.string_value for each in resource.resource.attributes}
            for scope in resource.scope_spans:
                for span in scope.spans:
                    seen = _seen(of["service.name"], span)
                    self._traces[seen.trace].append(seen)
        return otlp.ExportTraceServiceResponse()


def _seen(service: str, span: Span) -> Seen:
    attributes = {each.key: str(each.value) for each in span.attributes}
    return Seen(
        service,
        span.name,
        span.kind,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        attributes | {"status": span.status.message, "events": str(span.events)},
    )


@contextmanager
def collecting() -> Generator[Collector]:
    """Takes spans on a port of its own, in threads."""
    collector = Collector()
    server = grpc.server(ThreadPoolExecutor(4))
    handler = grpc.unary_unary_rpc_method_handler(
        collector.export,
        otlp.ExportTraceServiceRequest.FromString,
        otlp.ExportTraceServiceResponse.SerializeToString,
    )
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(_SERVICE, {"Export": handler})])
    collector.endpoint = f"http://127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    server.start()
    try:
        yield collector
    finally:
        server.stop(None).wait()
