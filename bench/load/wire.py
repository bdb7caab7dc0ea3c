"""HTTP/1.1 as far as a generator needs it: one request at a time on a connection that stays open."""

import asyncio
from collections.abc import Callable
from typing import cast

_END = b"\r\n\r\n"


class Wire(asyncio.Protocol):
    """`answered(wire, status, body)` is called for each answer; status 0 says that the connection ended first."""

    def __init__(self, answered: Callable[["Wire", int, bytes], None]) -> None:
        self._answered = answered
        self._held = b""
        self._wanted = 0  # bytes of the answer, 0 while its head is not here
        self._body_at = 0
        self._transport: asyncio.Transport | None = None
        self.busy = False
        self.bytes_in = 0

    @property
    def open(self) -> bool:
        return self._transport is not None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # as TCP's are, though uvloop's do not say so

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 asyncio's own
        self._transport = None
        if self.busy:
            self._tell(0, b"")

    def send(self, request: bytes) -> None:
        assert self._transport is not None  # noqa: S101 nobody sends on what is closed
        self.busy = True
        self._transport.write(request)

    def data_received(self, data: bytes) -> None:
        self.bytes_in += len(data)
        held = self._held = self._held + data if self._held else data
        if not self._wanted:
            end = held.find(_END)
            if end < 0:
                return
            self._body_at = end + len(_END)
            self._wanted = self._body_at + _length(held[:end])
        if len(held) >= self._wanted:
            status, body = int(held[9:12]), held[self._body_at : self._wanted]
            self._held, self._wanted = b"", 0
            self._tell(status, body)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _tell(self, status: int, body: bytes) -> None:
        self.busy = False
        self._answered(self, status, body)


def _length(head: bytes) -> int:
    """Raises ValueError for an answer that does not tell its length: none of those measured does that."""
    head = head.lower()
    at = head.find(b"content-length:")
    if at < 0:
        if head[9:12] in (b"204", b"304"):
            return 0
        raise ValueError("an answer without its length")
    return int(head[at + 15 :].split(b"\r\n", 1)[0])
