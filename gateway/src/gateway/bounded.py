"""HTTP as uvicorn speaks it, for clients that send too much or too slowly: heads are bounded in bytes, and requests in
time. (uvicorn bounds neither with this parser.)"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from gateway.errors import Refusal, problem

_DRAINED_BYTES, _DRAINED_SECONDS = 16 << 20, 3.0


@dataclass(frozen=True)
class Bounds:
    """A head is the request line and all headers. A body may take its time as long as `body_rate` bytes come a second,
    looked at every `body_seconds`."""

    head_bytes: int = 64 * 1024
    head_seconds: float = 20.0
    body_seconds: float = 30.0
    body_rate: int = 1024


def bounded_by(bounds: Bounds) -> "type[BoundedProtocol]":
    """What uvicorn makes for each connection; while its `parting` is true, every answer is its connection's last."""

    class Bounded(BoundedProtocol):
        def __init__(self, *args: Any, **kwargs: Any) -> None:
            super().__init__(*args, **kwargs)
            self.bounds = bounds

    return Bounded


class BoundedProtocol(HttpToolsProtocol):
    """Timers are armed for what has not arrived whole, so that plain requests have none."""

    bounds = Bounds()
    parting = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head, self._in_body, self._refused = True, False, False
        self._head, self._body, self._discarded = 0, 0, 0
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        super().connection_made(transport)
        self._arm(self.bounds.head_seconds, self._head_is_late)

    def connection_lost(self, exc: Exception | None) -> None:
        self._disarm()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            self._discard(data)
            return
        self._head += len(data) if self._in_head else 0
        super().data_received(data)
        if self._refused or self.transport.is_closing():
            return
        if self._in_head and self._head:
            if self._head > self.bounds.head_bytes:
                self._refuse(_too_large(self.bounds.head_bytes))
            elif self._timer is None:
                self._arm(self.bounds.head_seconds, self._head_is_late)
        elif self._in_body and self._timer is None:
            self._body = 0
            self._arm(self.bounds.body_seconds, self._look_at_body)

    def on_headers_complete(self) -> None:
        self._disarm()
        self._in_head, self._in_body = False, True
        if self._head > self.bounds.head_bytes and self._size() > self.bounds.head_bytes:
            self._refuse(_too_large(self.bounds.head_bytes))
        else:
            super().on_headers_complete()
            self.cycle.keep_alive &= not self.parting
        self._head = 0

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        self._disarm()
        self._in_head, self._in_body = True, False
        if not self._refused:
            super().on_message_complete()

    def _size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)

    def _head_is_late(self) -> None:
        self._timer = None
        if self._head:
            self._refuse(_too_slow("HEADERS", "head"))
        else:
            self.transport.close()  # nothing was asked

    def _look_at_body(self) -> None:
        """Not while it is we who do not read on."""
        self._timer = None
        came, self._body = self._body, 0
        if self.flow.read_paused or came >= self.bounds.body_rate * self.bounds.body_seconds:
            self._arm(self.bounds.body_seconds, self._look_at_body)
        elif self.cycle.response_complete:
            self.transport.close()
        elif self.cycle.response_started:
            self.transport.abort()
        else:
            self.cycle.disconnected = True  # the application hears that, and what it still answers is dropped
            self.cycle.message_event.set()
            self._answer(_too_slow("BODY", "body"))

    def _refuse(self, why: Refusal) -> None:
        """A head. Requests that came before it on this connection may still be worked on."""
        cycle = cast("RequestResponseCycle | None", self.cycle)
        if cycle is None or cycle.response_complete:
            self._answer(why)
        else:
            self._refused = True
            self.transport.abort()

    def _answer(self, why: Refusal) -> None:
        """And closes. What still comes is read for a while: a client that is still sending when the connection ends
        never sees the answer."""
        self._refused = True
        self._disarm()
        response = problem(why, "")
        lines = [b"HTTP/1.1 %d \r\n" % why.status, *(b"%s: %s\r\n" % pair for pair in response.raw_headers), b"\r\n"]
        self.transport.write(b"".join(lines) + bytes(response.body))
        self.transport.write_eof()
        self._arm(_DRAINED_SECONDS, self.transport.close)

    def _discard(self, data: bytes) -> None:
        self._discarded += len(data)
        if self._discarded > _DRAINED_BYTES:
            self.transport.abort()

    def _arm(self, seconds: float, then: Callable[[], None]) -> None:
        self._timer = self.loop.call_later(seconds, then)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _too_large(most: int) -> Refusal:
    told = f"the request line and the headers have more than {most} bytes"
    return Refusal(431, "HEADERS_TOO_LARGE", told, headers={"Connection": "close"})


def _too_slow(part: str, name: str) -> Refusal:
    return Refusal(408, f"{part}_TOO_SLOW", f"the {name} did not arrive in time", headers={"Connection": "close"})
