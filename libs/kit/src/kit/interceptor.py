"""What the server does around every call: load shedding, deadline, trace context, errors, metrics, one log line."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias, cast

import grpc

from kit import deadline, log, metrics, telemetry
from kit.errors import DeadlineExceeded, DomainError, Internal, Unavailable, from_exception
from kit.status import to_status

# What generated servicers call their context; services annotate their handlers' second parameter with it.
Context = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # quoted: no generic at run time
MaybeHandler: TypeAlias = "Handler | None"
Behaviour = Callable[[Any, Context], Awaitable[Any]]

DEFAULT_SECONDS = 5.0  # for callers that set no deadline
_OWN_BUG = frozenset((grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN))

logger = log.get(__name__)


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps every unary method. Streams are refused, save those of gRPC's own services (health, reflection)."""

    def __init__(self, max_concurrent_calls: int) -> None:
        self._cap = max_concurrent_calls
        self._in_flight = 0
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
        if handler is None or method.startswith("/grpc."):
            return handler
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
            call = _Call(method, context)
            if self._in_flight >= self._cap:
                metrics.SERVER_SHED.inc()
                await call.fail(Unavailable("OVERLOADED", "too many calls at once", retry_after=1))
            self._in_flight += 1
            metrics.SERVER_IN_FLIGHT.inc()
            try:
                return await call.run(behaviour, request)
            finally:
                self._in_flight -= 1
                metrics.SERVER_IN_FLIGHT.dec()

        return answer


class _Call:
    """One call from its arrival to its log line."""

    def __init__(self, method: str, context: Context) -> None:
        self._method, self._context, self._started = method, context, time.perf_counter()
        self._caller = ""
        for key, value in context.invocation_metadata() or ():
            if key == "user-agent":
                self._caller = str(value).partition(" ")[0]
            elif key == telemetry.TRACEPARENT and not telemetry.enabled():
                telemetry.adopt(str(value))

    async def run(self, behaviour: Behaviour, request: Any) -> Any:
        try:
            answer = await self._in_time(behaviour, request)
        except asyncio.CancelledError:
            self._done(grpc.StatusCode.CANCELLED)
            raise
        except grpc.aio.AbortError:
            self._done(grpc.StatusCode.UNKNOWN, reason="aborted by its handler")
            raise
        except Exception as error:  # noqa: BLE001 the outermost boundary of a call
            await self.fail(error)
        else:
            self._done(grpc.StatusCode.OK)
            return answer

    async def _in_time(self, behaviour: Behaviour, request: Any) -> Any:
        """gRPC cancels the handler at the caller's deadline; without one, we do at ours."""
        left = cast("float | None", self._context.time_remaining())
        if left is not None:
            deadline.start(left)
            return await behaviour(request, self._context)
        deadline.start(DEFAULT_SECONDS)
        limit = asyncio.timeout(DEFAULT_SECONDS)
        try:
            async with limit:
                return await behaviour(request, self._context)
        except TimeoutError:
            if not limit.expired():
                raise
            raise DeadlineExceeded("DEADLINE_EXCEEDED", "the answer did not come in time") from None

    async def fail(self, error: Exception) -> None:
        """Ends the call with the status of `error`. Raises AbortError, as grpc wants it."""
        known = from_exception(error)
        shown = known or Internal("INTERNAL", "internal error")
        code, details, trailing = to_status(shown)
        self._done(code, reason=shown.reason, error=_cause(error, known))
        await self._context.abort(code, details, trailing)

    def _done(self, code: grpc.StatusCode, *, reason: str | None = None, error: Exception | None = None) -> None:
        seconds = time.perf_counter() - self._started
        metrics.SERVER_SECONDS.labels(self._method, code.name).observe(seconds)
        write = logger.error if code in _OWN_BUG else logger.info
        extra: dict[str, object] = {"reason": reason} if reason else {}
        if error is not None:
            extra["exc_info"] = error
        write("call", method=self._method, status=code.name, ms=round(seconds * 1000, 2), caller=self._caller, **extra)


def _cause(error: Exception, known: DomainError | None) -> Exception | None:
    """The exception that deserves a stack in the log: a bug's or a driver's, not one that was raised on purpose."""
    return None if known is error else error
