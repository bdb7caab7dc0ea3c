"""The server's side of kit.many: calls that came in one message, each answered as if it had come alone.

A slow call does not hold up the others. As soon as half of a batch is answered, or one call is and a tenth of a second
is over, the rest has as much time again (ten milliseconds at least): what is not answered by then is cancelled and goes
back as CANCELLED without an answer, for the caller to ask alone. While all are slow nobody is hurried. So a call may be
begun twice: batches are for reads and for what may be done twice.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable, Sequence
from typing import Any, TypeAlias, cast

import grpc
from heliograph.batch.v1.batch_pb2 import Call, ManyRequest, ManyResponse, Reply
from heliograph.batch.v1.batch_pb2_grpc import BatchServiceServicer

from kit import deadline, metrics, telemetry
from kit.callers import Callers
from kit.calls import DEFAULT_SECONDS, Record, Running, overloaded
from kit.errors import InvalidArgument
from kit.status import to_rich, to_status

MANY = telemetry.BATCH
MOST_CALLS = 64
MOST_BYTES = 4 * 1024 * 1024  # of what is asked or answered together

GRACE_SECONDS = 0.01
LATE_SECONDS = 0.1
QUIET_SECONDS = 0.5  # a call that took less and succeeded leaves no line in the log

Context = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"  # quoted: no generic at run time
MaybeHandler: TypeAlias = "Handler | None"
Behaviour = Callable[[Any, Any], Awaitable[Any]]

ALONE = Reply(code=grpc.StatusCode.CANCELLED.value[0])
_UNKNOWN = Reply(code=grpc.StatusCode.UNIMPLEMENTED.value[0])
_LATE = Reply(code=grpc.StatusCode.DEADLINE_EXCEEDED.value[0])


class Handlers:
    """Stands for the server while services register there, and remembers what they register."""

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server
        self._generic: list[grpc.GenericRpcHandler] = []

    @property
    def as_server(self) -> grpc.aio.Server:
        return cast("grpc.aio.Server", self)

    def add_generic_rpc_handlers(self, generic_rpc_handlers: Sequence[grpc.GenericRpcHandler]) -> None:
        self._generic.extend(generic_rpc_handlers)
        self._server.add_generic_rpc_handlers(generic_rpc_handlers)

    def add_registered_method_handlers(self, service_name: str, method_handlers: dict[str, Any]) -> None:
        self._server.add_registered_method_handlers(service_name, method_handlers)

    def unary(self, method: str) -> MaybeHandler:
        found = (generic.service(_Asked(method)) for generic in self._generic)
        return next((handler for handler in found if handler and handler.unary_unary), None)


class _Asked(grpc.HandlerCallDetails):
    def __init__(self, method: str) -> None:
        self.method = method
        self.invocation_metadata = ()


class Batches(BatchServiceServicer):
    """Methods get no context: it would be that of the batch. A batch in a batch is an unknown method."""

    def __init__(self, handlers: Handlers, running: Running, callers: Callers | None = None) -> None:
        self._handlers, self._running, self._callers = handlers, running, callers
        self._known: dict[str, Handler] = {}

    async def Many(self, request: ManyRequest, context: Context) -> ManyResponse:  # noqa: N802 gRPC's name
        caller = await self._callers.admit(context, MANY) if self._callers else _caller(context)
        calls = request.calls
        metrics.SERVER_BATCH_CALLS.observe(len(calls))
        if len(calls) > MOST_CALLS:
            await context.abort(*to_status(InvalidArgument("TOO_MANY_CALLS", f"at most {MOST_CALLS} in a batch")))
        traced = telemetry.enabled()
        begun = self._running.enter(len(calls))
        batch = _Batch(begun)
        try:
            for call in calls[:begun]:
                seconds = call.deadline_ms / 1000 or DEFAULT_SECONDS
                batch.start(self._answer(call, seconds, caller, traced=traced), seconds)
            replies = await batch.replies()
        finally:
            self._running.leave(begun)
        replies.extend(self._shed(call.method, caller) for call in calls[begun:])
        return ManyResponse(replies=_that_fit(replies))

    async def _answer(self, call: Call, seconds: float, caller: str, *, traced: bool) -> Reply:
        method = call.method
        handler = self._known.get(method) or self._look_up(method)
        if handler is None:
            return _UNKNOWN
        if self._callers and not self._callers.allows(caller, method):
            return _failed(Record(method, caller), self._callers.refusal(caller))
        deadline.start(seconds)
        if traced and telemetry.is_sampled(call.traceparent):
            with telemetry.answering(method, call.traceparent) as ended:
                reply = await _recorded(handler, call.request, Record(method, caller, QUIET_SECONDS))
                ended(reply.code)
                return reply
        if call.traceparent:
            telemetry.adopt(call.traceparent)
        return await _recorded(handler, call.request, Record(method, caller, QUIET_SECONDS))

    def _shed(self, method: str, caller: str) -> Reply:
        return _failed(Record(method if method in self._known else MANY, caller), overloaded())

    def _look_up(self, method: str) -> MaybeHandler:
        handler = self._handlers.unary(method)
        return handler and self._known.setdefault(method, handler)


async def _recorded(handler: Handler, request: bytes, record: Record) -> Reply:
    try:
        asked = handler.request_deserializer(request) if handler.request_deserializer else request
        answer = await cast("Behaviour", handler.unary_unary)(asked, None)
        encoded = handler.response_serializer(answer) if handler.response_serializer else answer
    except asyncio.CancelledError:
        record.ended(grpc.StatusCode.CANCELLED)
        raise
    except Exception as error:  # noqa: BLE001 the outermost boundary of a call
        return _failed(record, error)
    record.succeeded()
    return Reply(answer=encoded)


class _Batch:
    """The running calls of one batch."""

    def __init__(self, number: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._began, self._left, self._half = self._loop.time(), number, number // 2
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._tasks: list[asyncio.Task[Reply]] = []
        self._timers: list[asyncio.TimerHandle] = []
        self._number, self._late, self._hurried = number, False, False
        if number > 1:
            self._timers.append(self._loop.call_later(LATE_SECONDS, self._be_late))

    def start(self, answering: Coroutine[Any, Any, Reply], seconds: float) -> None:
        """`seconds` are what the call has."""
        task = self._loop.create_task(answering)
        task.add_done_callback(self._one_done)
        self._tasks.append(task)
        self._timers.append(self._loop.call_later(seconds, task.cancel))

    async def replies(self) -> list[Reply]:
        try:
            if self._tasks:
                await self._over
        finally:
            for timer in self._timers:
                timer.cancel()
            for task in self._tasks:
                task.cancel()  # tells nothing to those that are done
        return [_reply(task) for task in self._tasks]

    def _one_done(self, _: object) -> None:
        self._left -= 1
        if not self._left:
            self._end()
        elif self._late or self._left == self._half:
            self._hurry()

    def _be_late(self) -> None:
        self._late = True
        if self._left < self._number:
            self._hurry()

    def _hurry(self) -> None:
        if not self._hurried:
            self._hurried = True
            seconds = max(GRACE_SECONDS, self._loop.time() - self._began)
            self._timers.append(self._loop.call_later(seconds, self._end))

    def _end(self) -> None:
        if not self._over.done():
            self._over.set_result(None)


def _reply(task: asyncio.Task[Reply]) -> Reply:
    if not task.done():
        return ALONE
    return _LATE if task.cancelled() else task.result()


def _failed(record: Record, error: Exception) -> Reply:
    code, rich = to_rich(record.failed(error))
    return Reply(code=code.value[0], answer=rich.SerializeToString())


def _that_fit(replies: Iterable[Reply]) -> Iterable[Reply]:
    """Of more than a message holds, what comes last is to be asked alone."""
    size = 0
    for reply in replies:
        size += len(reply.answer)
        yield reply if size <= MOST_BYTES else ALONE


def _caller(context: Context) -> str:
    agents = (str(value) for key, value in context.invocation_metadata() or () if key == "user-agent")
    return next(agents, "").partition(" ")[0]
