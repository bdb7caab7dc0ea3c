"""Channels to other services: balanced, retried within a budget, bounded in time, cut by a breaker, with the callee's
own errors raised."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc

from kit import deadline, metrics, telemetry
from kit.breaker import Breaker
from kit.channels import renewing
from kit.errors import DeadlineExceeded, DomainError, Unavailable
from kit.server import MAX_MESSAGE_BYTES
from kit.status import code_of, from_status, is_from_transport

DEFAULT_SECONDS = 2.0
# Kept back from the caller's deadline, to answer in time. gRPC rounds deadlines up, by at most 1% from a second on.
MARGIN_SECONDS = 0.02
MARGIN_SHARE = 0.02
_FAIR_SECONDS = 0.25  # a callee that was given less than this is not to blame for being late

_SERVICE_CONFIG = json.dumps(
    {
        "loadBalancingConfig": [{"round_robin": {}}],
        "methodConfig": [
            {
                "name": [{}],
                "waitForReady": False,
                "retryPolicy": {
                    "maxAttempts": 3,
                    "initialBackoff": "0.05s",
                    "maxBackoff": "0.5s",
                    "backoffMultiplier": 2,
                    "retryableStatusCodes": ["UNAVAILABLE"],
                },
            }
        ],
        # The budget: a failure costs 1 token, a success earns a tenth; no retries while half of them are gone.
        "retryThrottling": {"maxTokens": 20, "tokenRatio": 0.1},
    }
)

Continuation = Callable[[grpc.aio.ClientCallDetails, Any], Awaitable[Any]]


@asynccontextmanager
async def channel(
    target: str, *, service: str, caller: str = "", seconds: float = DEFAULT_SECONDS, tls: Path | None = None
) -> AsyncGenerator[grpc.aio.Channel]:
    """A channel to `service` at `target`, for any of its stubs. `caller` names us in the callee's log, unless
    `tls` does, the folder of our certificates (see kit.certificates): the callee then has to prove the target's name.

    Calls raise DomainError: the callee's own, or Unavailable, DeadlineExceeded, Internal for faults on the way. A call
    outside a request may take `seconds`; inside, what is left of the request less a margin, if that is less.
    Connects lazily and needs no server to be up. Raises BadSettings for certificates of no use.
    """
    interceptor = _CallInterceptor(service, seconds)
    options, interceptors = _options(caller), [interceptor]
    if tls is None:
        async with grpc.aio.insecure_channel(target, options, interceptors=interceptors) as made:
            yield made
        return

    def make(credentials: grpc.ChannelCredentials) -> grpc.aio.Channel:
        return grpc.aio.secure_channel(target, credentials, options, interceptors=interceptors)

    async with renewing(tls, make) as made:
        yield made


def seconds_for(most: float) -> float:
    """How long a call may take that is made now: `most`, or what is left of the request less a margin. Raises
    DeadlineExceeded when nothing is left."""
    left = deadline.remaining()
    seconds = most if left is None else min(most, left - max(MARGIN_SECONDS, left * MARGIN_SHARE))
    if seconds <= 0:
        raise too_late()
    return seconds


def too_late() -> DeadlineExceeded:
    return DeadlineExceeded("DEADLINE_EXCEEDED", "the answer did not come in time")


def _options(caller: str) -> list[tuple[str, Any]]:
    return [
        ("grpc.service_config", _SERVICE_CONFIG),
        ("grpc.enable_retries", 1),
        ("grpc.primary_user_agent", caller),
        ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
        ("grpc.max_send_message_length", MAX_MESSAGE_BYTES),
        ("grpc.keepalive_time_ms", 60_000),
        ("grpc.keepalive_timeout_ms", 10_000),
        # A service that came back is found within seconds, not within gRPC's two minutes.
        ("grpc.initial_reconnect_backoff_ms", 200),
        ("grpc.min_reconnect_backoff_ms", 1_000),
        ("grpc.max_reconnect_backoff_ms", 3_000),
        ("grpc.dns_min_time_between_resolutions_ms", 5_000),
    ]


class _CallInterceptor(grpc.aio.UnaryUnaryClientInterceptor):
    """One interceptor for all: each one more would cost every call a trip through the event loop."""

    def __init__(self, service: str, seconds: float) -> None:
        self._service, self._seconds = service, seconds
        state = metrics.BREAKER_STATE.labels(service)
        state.set(0)
        self._breaker = Breaker(time.monotonic, state.set)

    async def intercept_unary_unary(
        self,
        continuation: Continuation,
        client_call_details: grpc.aio.ClientCallDetails,
        request: Any,
    ) -> Any:
        """With a span of its own in sampled traces; the calls in a batch have theirs from kit.many."""
        method = _text(client_call_details.method)
        if method == telemetry.BATCH or not telemetry.is_recording():
            return await self._ask(continuation, client_call_details, request, method)
        with telemetry.asking(method) as ended:
            try:
                answer = await self._ask(continuation, client_call_details, request, method)
            except DomainError as error:
                ended(code_of(error).value[0])
                raise
            ended(grpc.StatusCode.OK.value[0])
            return answer

    async def _ask(
        self, continuation: Continuation, call: grpc.aio.ClientCallDetails, request: Any, method: str
    ) -> Any:
        started = time.perf_counter()
        code = grpc.StatusCode.UNAVAILABLE
        details = self._bounded(call, method)
        if not self._breaker.admit():
            raise Unavailable(f"{self._service.upper()}_UNAVAILABLE", "a service is not available", retry_after=1)
        try:
            response = await (await continuation(details, request))
            code = grpc.StatusCode.OK
            self._breaker.succeeded()
            return response
        except grpc.aio.AioRpcError as error:
            code = error.code()
            self._judge(error, details.timeout or 0)
            raise from_status(error, self._service) from None
        except BaseException as error:
            code = grpc.StatusCode.CANCELLED if isinstance(error, asyncio.CancelledError) else grpc.StatusCode.UNKNOWN
            self._breaker.dropped()
            raise
        finally:
            seconds = time.perf_counter() - started
            metrics.client_seconds(method, code).observe(seconds, telemetry.exemplar())

    def _bounded(self, call: grpc.aio.ClientCallDetails, method: str) -> grpc.aio.ClientCallDetails:
        """The call with its deadline and the trace context. What a process asks by itself is no beginning of a trace at
        the callee either."""
        seconds = seconds_for(self._seconds if call.timeout is None else call.timeout)
        metadata = call.metadata
        if method != telemetry.BATCH and (traceparent := telemetry.traceparent() or telemetry.untraced()):
            metadata = grpc.aio.Metadata(*(metadata or ()), (telemetry.TRACEPARENT, traceparent))
        return grpc.aio.ClientCallDetails(call.method, seconds, metadata, call.credentials, call.wait_for_ready)

    def _judge(self, error: grpc.aio.AioRpcError, seconds: float) -> None:
        """An answer, even "unavailable", shows that the callee lives: it is a dependency of its own that is down, and
        other methods may not need it. Only silence counts."""
        match error.code():
            case grpc.StatusCode.UNAVAILABLE if is_from_transport(error):
                self._breaker.failed()
            case grpc.StatusCode.DEADLINE_EXCEEDED if is_from_transport(error):
                self._breaker.failed() if seconds >= _FAIR_SECONDS else self._breaker.dropped()
            case _:
                self._breaker.succeeded()


def _text(method: str | bytes) -> str:
    """grpc.aio hands interceptors bytes where its types say str."""
    return method.decode() if isinstance(method, bytes) else method
