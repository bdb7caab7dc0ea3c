"""What the server does around every call: who may, load shedding, deadline, trace context, errors, metrics, one log
line."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, cast

import grpc

from kit import deadline, telemetry
from kit.batches import MANY
from kit.callers import Callers, name_of
from kit.calls import DEFAULT_SECONDS, Record, Running, overloaded
from kit.errors import DeadlineExceeded
from kit.status import to_status
from kit.tasks import uninterrupted

# What generated servicers call their context; services annotate their handlers' second parameter with it.
Context = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # quoted: no generic at run time
MaybeHandler: TypeAlias = "Handler | None"
Behaviour = Callable[[Any, Context], Awaitable[Any]]


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every unary method. Streams are refused, save those of gRPC's own services (health, reflection). For
    batches see kit.batches."""

    def __init__(self, running: Running, callers: Callers | None = None) -> None:
        self._running, self._callers = running, callers
        self._wrapped: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[MaybeHandler]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> MaybeHandler:
        method = handler_call_details.method
        if found := self._wrapped.get(method):
            return found
        handler = await continuation(handler_call_details)
        if handler is None or method == MANY:
            return handler
        if method.startswith("/grpc."):
            return self._callers.guarded(method, handler) if self._callers else handler
        if handler.unary_unary is None:
            return None  # UNIMPLEMENTED
        wrapped = grpc.unary_unary_rpc_method_handler(
            self._around(method, cast("Behaviour", handler.unary_unary)),
            handler.request_deserializer,
            handler.response_serializer,
        )
        self._wrapped[method] = wrapped
        return wrapped

    def _around(self, method: str, behaviour: Behaviour) -> Behaviour:
        async def answer(request: Any, context: Context) -> Any:
            call = _Call(method, context, self._callers)
            if self._callers and not self._callers.allows(call.caller, method):
                await call.fail(self._callers.refusal(call.caller))
            if not self._running.enter():
                await call.fail(overloaded())
            try:
                return await call.run(behaviour, request)
            finally:
                self._running.leave()

        return answer


class _Call:
    """One call that came alone."""

    def __init__(self, method: str, context: Context, callers: Callers | None) -> None:
        self._context, caller = context, ""
        for key, value in context.invocation_metadata() or ():
            if key == "user-agent":
                caller = str(value).partition(" ")[0]
            elif key == telemetry.TRACEPARENT and not telemetry.enabled():
                telemetry.adopt(str(value))
        self.caller = name_of(context) if callers else caller
        self._record = Record(method, self.caller)

    async def run(self, behaviour: Behaviour, request: Any) -> Any:
        try:
            answer = await self._in_time(behaviour, request)
        except asyncio.CancelledError:
            self._record.ended(grpc.StatusCode.CANCELLED)
            raise
        except grpc.aio.AbortError:
            self._record.ended(grpc.StatusCode.UNKNOWN, "aborted by its handler")
            raise
        except Exception as error:  # noqa: BLE001 the outermost boundary of a call
            await self.fail(error)
        else:
            self._record.succeeded()
            return answer

    async def _in_time(self, behaviour: Behaviour, request: Any) -> Any:
        """gRPC cancels the handler at the caller's deadline; without one, we do at ours."""
        left = cast("float | None", self._context.time_remaining())
        if left is not None:
            deadline.start(left)
            return await uninterrupted(behaviour(request, self._context))
        deadline.start(DEFAULT_SECONDS)
        limit = asyncio.timeout(DEFAULT_SECONDS)
        try:
            async with limit:
                return await uninterrupted(behaviour(request, self._context))
        except TimeoutError:
            if not limit.expired():
                raise
            raise DeadlineExceeded("DEADLINE_EXCEEDED", "the answer did not come in time") from None

    async def fail(self, error: Exception) -> None:
        """Ends the call with the status of `error`. Raises AbortError, as grpc wants it."""
        code, details, trailing = to_status(self._record.failed(error))
        await self._context.abort(code, details, trailing)
