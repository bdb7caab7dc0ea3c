"""Who may call what, by the identity in the caller's certificate."""

import inspect
from collections.abc import Collection, Mapping
from typing import Any, TypeAlias

import grpc

from kit import metrics
from kit.calls import Record
from kit.certificates import name_in
from kit.errors import PermissionDenied
from kit.status import CALLER_NOT_ALLOWED, to_status

# gRPC's own name of the property: there when the certificate has exactly one URI and that is a SPIFFE id.
_PROPERTY = "peer_spiffe_id"
_MOST_LABELS = 32

Context = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # quoted: no generic at run time
Rules = Mapping[str, Collection[str]]


class Callers:
    """`rules`: the names that may call, by the full name of a gRPC service (`package.Service`), or of a method of it
    (`package.Service/Method`), whose names then stand in place of the service's. What is not named there is for nobody,
    save health, reflection and batches, which are for whoever may call anything.

    `instead` are names that may call everything, whatever the rules say.
    """

    def __init__(self, rules: Rules, instead: Collection[str] | None = None) -> None:
        named = (name for names in rules.values() for name in names)
        self._everybody = frozenset(named if instead is None else instead)
        self._rules = None if instead is not None else {service: frozenset(names) for service, names in rules.items()}
        self._labels: set[str] = set()

    def allows(self, name: str, method: str) -> bool:
        """`method` as gRPC has it: /package.Service/Method."""
        if self._rules is None:
            return name in self._everybody
        names = self._rules.get(method[1:])
        if names is None:
            names = self._rules.get(method[1 : method.rfind("/")], ())
        return name in names

    def refusal(self, name: str) -> PermissionDenied:
        """What to answer a caller that is not allowed. Counts it."""
        metrics.SERVER_REFUSED_CALLERS.labels(self._label(name)).inc()
        return PermissionDenied(CALLER_NOT_ALLOWED, "the caller may not make this call")

    async def admit(self, context: Context, method: str) -> str:
        """The name of a caller that may call anything here; ends the call of another one by raising AbortError."""
        name = name_of(context)
        if name not in self._everybody:
            await context.abort(*to_status(Record(method, name).failed(self.refusal(name))))
        return name

    def guarded(self, method: str, handler: Handler) -> Handler:
        """The same handler of gRPC's own services, for whoever may call anything."""
        if handler.unary_unary:
            make, inner = grpc.unary_unary_rpc_method_handler, handler.unary_unary
        elif handler.unary_stream:
            make, inner = grpc.unary_stream_rpc_method_handler, handler.unary_stream
        else:
            make, inner = grpc.stream_stream_rpc_method_handler, handler.stream_stream
        around = self._streaming if inspect.isasyncgenfunction(inner) else self._answering
        return make(around(method, inner), handler.request_deserializer, handler.response_serializer)

    def _answering(self, method: str, inner: Any) -> Any:
        async def answer(request: Any, context: Context) -> Any:
            await self.admit(context, method)
            return await inner(request, context)

        return answer

    def _streaming(self, method: str, inner: Any) -> Any:
        async def answer(request: Any, context: Context) -> Any:
            await self.admit(context, method)
            async for response in inner(request, context):
                yield response

        return answer

    def _label(self, name: str) -> str:
        """A metric is no place for whatever an authority may sign."""
        if len(self._labels) < _MOST_LABELS:
            self._labels.add(name)
        return name if name and name in self._labels else "other"


def name_of(context: Context) -> str:
    """Empty when the caller has no identity of ours."""
    found = context.auth_context().get(_PROPERTY, ())
    return name_in(next(iter(found), b"").decode("ascii", "replace"))
