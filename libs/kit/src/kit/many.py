"""Unary calls of one loop tick in one message: a fifth of the cost of calls that go one by one, see ADR 20.

    batcher = Batcher(channel, service="feed")          # of kit.client.channel; one for each channel
    feed = FeedServiceStub(batcher.stubs)               # a generated stub over it: await feed.GetHomePage(request)
    page = batcher.unary("/pkg.Svc/Method", Page.FromString)            # await page(request)
    await batcher.call("/pkg.Svc/Method", request, Page)                # the same without a stub
    await batcher.ask("/pkg.Svc/Method", request.SerializeToString())   # bytes to bytes

For reads and what may be done twice: a batch that broke on the way is sent again, and a call that is slower than its
neighbours is cancelled and asked again alone, so that they need not wait for it (see kit.batches).
"""

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import grpc
from google.protobuf.message import DecodeError, Message
from heliograph.batch.v1.batch_pb2 import Call, ManyRequest, ManyResponse, Reply

from kit import metrics, telemetry
from kit.batches import ALONE, MANY, MOST_BYTES, MOST_CALLS
from kit.client import DEFAULT_SECONDS, seconds_for, too_late
from kit.errors import DomainError, Internal
from kit.status import code_of, from_rich

AT_ONCE = 2  # batches in flight
# A batch costs as much as several calls: while one is in flight, fewer than these wait for more, but not for long.
_WORTH_IT = 8
_HOLD_SECONDS = 0.002
_LATE_SECONDS = 0.02  # a batch that takes longer gives its place to the next
_ALONE_AT_ONCE = 64
# What a batch is refused for and its calls are not: an older server has no batches, and messages may be too large.
_ONE_BY_ONE = frozenset((grpc.StatusCode.UNIMPLEMENTED.name, grpc.StatusCode.RESOURCE_EXHAUSTED.name))

M = TypeVar("M", bound=Message)


@dataclass(slots=True, eq=False)
class _Asked:
    """`end` by the loop's clock."""

    method: str
    request: bytes
    end: float
    traceparent: str
    reply: asyncio.Future[Reply]


class Batcher:
    """At most 64 calls in a batch and two batches in flight; more calls wait, and the time of each runs meanwhile.

    A call raises what it would raise alone: the callee's DomainErrors, Unavailable, DeadlineExceeded, Internal. It may
    take `seconds`, or what is left of the request less a margin, if that is less. It is cancelled by itself: the others
    of its batch go on. Use it from one event loop.
    """

    def __init__(self, channel: grpc.aio.Channel, *, service: str, seconds: float = DEFAULT_SECONDS) -> None:
        self._channel, self._service, self._seconds = channel, service, seconds
        self._many: grpc.aio.UnaryUnaryMultiCallable[ManyRequest, ManyResponse] = channel.unary_unary(
            MANY, request_serializer=ManyRequest.SerializeToString, response_deserializer=ManyResponse.FromString
        )
        self._queue: deque[_Asked] = deque()
        self._in_flight, self._woken = 0, False
        self._held: asyncio.TimerHandle | None = None
        self._flights: set[asyncio.Task[None]] = set()
        self._alone = asyncio.Semaphore(_ALONE_AT_ONCE)

    @property
    def stubs(self) -> grpc.aio.Channel:
        """What generated stubs take for a channel. They may pass a timeout and nothing else."""
        return cast("grpc.aio.Channel", self)

    def unary(self, method: str, decode: Callable[[bytes], M]) -> Callable[[Message], Awaitable[M]]:
        async def call(request: Message) -> M:
            return self._decoded(decode, await self.ask(method, request.SerializeToString()))

        return call

    async def call(self, method: str, request: Message, response_type: type[M], **how: Any) -> M:
        """`how` is what `ask` takes beside."""
        return self._decoded(response_type.FromString, await self.ask(method, request.SerializeToString(), **how))

    def unary_unary(
        self,
        method: str,
        request_serializer: Callable[[Any], bytes],
        response_deserializer: Callable[[bytes], Any],
        _registered_method: bool | None = False,  # as generated stubs call it
    ) -> Callable[..., Awaitable[Any]]:
        async def call(request: Any, *, timeout: float | None = None) -> Any:  # noqa: ASYNC109 gRPC's own word
            return self._decoded(response_deserializer, await self.ask(method, request_serializer(request), timeout))

        return call

    async def ask(
        self, method: str, request: bytes, seconds: float | None = None, traceparent: str | None = None
    ) -> bytes:
        """The encoded answer to an encoded request. `seconds` instead of the batcher's own, `traceparent` instead of
        that of the current trace, for who makes no span and would set a context for nothing else."""
        if traceparent is None and telemetry.is_recording():
            with telemetry.asking(method) as ended:
                try:
                    answer = await self._asked(method, request, seconds, telemetry.traceparent())
                except DomainError as error:
                    ended(code_of(error).value[0])
                    raise
                ended(0)
                return answer
        return await self._asked(method, request, seconds, traceparent or telemetry.traceparent())

    async def _asked(self, method: str, request: bytes, most: float | None, traceparent: str | None) -> bytes:
        seconds, loop = seconds_for(self._seconds if most is None else most), asyncio.get_running_loop()
        end = loop.time() + seconds
        asked = _Asked(method, request, end, traceparent or "", loop.create_future())
        timer = loop.call_later(seconds, _expire, asked.reply)
        self._queue.append(asked)
        self._wake()
        try:
            reply = await self._reply(asked)
        finally:
            timer.cancel()
        return await self._ask_alone(asked) if _is_alone(reply) else reply.answer

    async def _reply(self, asked: _Asked) -> Reply:
        """A good one, or that the call is to be asked alone."""
        code, started = grpc.StatusCode.CANCELLED, time.perf_counter()
        try:
            reply = await asked.reply
            if reply.code and not _is_alone(reply):
                raise from_rich(reply.code, reply.answer, self._service)
            code = grpc.StatusCode.CANCELLED if reply.code else grpc.StatusCode.OK
            return reply
        except DomainError as error:
            code = code_of(error)
            raise
        finally:
            metrics.client_seconds(asked.method, code).observe(time.perf_counter() - started)

    async def _ask_alone(self, asked: _Asked) -> bytes:
        metrics.CLIENT_ALONE.labels(asked.method).inc()
        call: grpc.aio.UnaryUnaryMultiCallable[bytes, bytes] = self._channel.unary_unary(asked.method)
        try:
            async with asyncio.timeout_at(asked.end), self._alone:
                return await call(asked.request, timeout=asked.end - asyncio.get_running_loop().time())
        except TimeoutError:
            raise too_late() from None

    def _decoded(self, decode: Callable[[bytes], M], answer: bytes) -> M:
        try:
            return decode(answer)
        except DecodeError:
            raise Internal("INTERNAL", "internal error", metadata={"service": self._service}) from None

    def _wake(self) -> None:
        """What is asked in this tick of the loop goes out at the next one, in nobody's context: a batch has neither the
        deadline nor the trace of a single call."""
        if self._woken or self._in_flight >= AT_ONCE:
            return
        if not self._in_flight or len(self._queue) >= _WORTH_IT:
            self._woken = True
            asyncio.get_running_loop().call_soon(self._send, context=Context())
        elif self._held is None:
            self._held = asyncio.get_running_loop().call_later(_HOLD_SECONDS, self._held_enough, context=Context())

    def _held_enough(self) -> None:
        self._held = None
        if self._in_flight < AT_ONCE:
            self._send()

    def _send(self) -> None:
        self._woken = False
        if self._held is not None:
            self._held.cancel()
            self._held = None
        while self._in_flight < AT_ONCE and (batch := self._next()):
            self._in_flight += 1
            flight = asyncio.get_running_loop().create_task(self._fly(batch), context=Context())
            self._flights.add(flight)
            flight.add_done_callback(self._flights.discard)

    def _next(self) -> Sequence[_Asked]:
        batch: list[_Asked] = []
        size = 0
        while self._queue and len(batch) < MOST_CALLS and size < MOST_BYTES:
            asked = self._queue.popleft()
            if not asked.reply.done():  # neither too late nor cancelled
                batch.append(asked)
                size += len(asked.request)
        return batch

    async def _fly(self, batch: Sequence[_Asked]) -> None:
        place = _Place(self._freed)
        try:
            replies = await self._exchange(batch)
        except Exception as error:  # noqa: BLE001 whatever it is, each of the callers is told
            for asked in batch:
                if not asked.reply.done():
                    asked.reply.set_exception(_again(error))
        else:
            for asked, reply in zip(batch, replies, strict=True):
                if not asked.reply.done():
                    asked.reply.set_result(reply)
        finally:
            place.free()

    async def _exchange(self, batch: Sequence[_Asked]) -> Sequence[Reply]:
        now = asyncio.get_running_loop().time()
        calls = [
            Call(
                method=asked.method,
                request=asked.request,
                deadline_ms=max(1, int((asked.end - now) * 1000)),
                traceparent=asked.traceparent,
            )
            for asked in batch
        ]
        try:
            response = await self._many(ManyRequest(calls=calls), timeout=max(asked.end for asked in batch) - now)
        except Internal as error:
            if error.metadata.get("code") in _ONE_BY_ONE:
                return [ALONE] * len(batch)
            raise
        return response.replies

    def _freed(self) -> None:
        self._in_flight -= 1
        if self._queue:
            self._wake()


class _Place:
    """One of the places in flight, until it is freed or was held for too long."""

    def __init__(self, freed: Callable[[], None]) -> None:
        self._freed, self._held = freed, True
        self._timer = asyncio.get_running_loop().call_later(_LATE_SECONDS, self.free)

    def free(self) -> None:
        self._timer.cancel()
        if self._held:
            self._held = False
            self._freed()


def _is_alone(reply: Reply) -> bool:
    return reply.code == ALONE.code and not reply.answer


def _expire(reply: asyncio.Future[Reply]) -> None:
    if not reply.done():
        reply.set_exception(too_late())


def _again(error: Exception) -> Exception:
    """The same error for one more caller: raised twice, one object would carry both stacks."""
    if not isinstance(error, DomainError):
        return error
    return type(error)(
        error.reason, error.message, fields=error.fields, metadata=error.metadata, retry_after=error.retry_after
    )
