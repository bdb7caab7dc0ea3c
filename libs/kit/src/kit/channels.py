"""A TLS channel that takes renewed certificates: gRPC fixes a channel's credentials when it is made, so a channel over
channels, each with the certificates of its time."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import grpc

from kit.certificates import Certificates

# Longer than any call may take: what was asked on a channel ends on it.
RETIRED_SECONDS = 150.0

Make = Callable[[grpc.ChannelCredentials], grpc.aio.Channel]


@asynccontextmanager
async def renewing(folder: Path, make: Make, retired: float = RETIRED_SECONDS) -> AsyncGenerator[grpc.aio.Channel]:
    """`make` is asked for a channel now and whenever the folder changed. For unary calls of generated stubs; the rest
    goes to the channel of that moment. Raises BadSettings."""
    channels = _Channels(Certificates(folder), make, retired)
    try:
        yield cast("grpc.aio.Channel", channels)
    finally:
        await channels.close()


class _Channels:
    def __init__(self, certificates: Certificates, make: Make, retired: float) -> None:
        self._certificates, self._make, self._retired = certificates, make, retired
        self._of = certificates.current()
        self._now = make(self._of.for_channels)
        self._ends: dict[grpc.aio.Channel, asyncio.TimerHandle] = {}
        self._ending: set[asyncio.Task[None]] = set()

    def unary_unary(self, method: str, *how: Any, **options: Any) -> Callable[..., Any]:
        channel = self._current()
        ask = channel.unary_unary(method, *how, **options)

        def call(request: Any, **of_call: Any) -> Any:
            nonlocal channel, ask
            if (now := self._current()) is not channel:
                channel, ask = now, now.unary_unary(method, *how, **options)
            return ask(request, **of_call)

        return call

    def __getattr__(self, name: str) -> Any:
        return getattr(self._current(), name)

    def _current(self) -> grpc.aio.Channel:
        if (material := self._certificates.current()) is not self._of:
            self._of = material
            self._retire(self._now)
            self._now = self._make(material.for_channels)
        return self._now

    def _retire(self, channel: grpc.aio.Channel) -> None:
        self._ends[channel] = asyncio.get_running_loop().call_later(self._retired, self._end, channel)

    def _end(self, channel: grpc.aio.Channel) -> None:
        del self._ends[channel]
        ending = asyncio.get_running_loop().create_task(channel.close())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def close(self) -> None:
        for timer in self._ends.values():
            timer.cancel()
        await asyncio.gather(*(channel.close() for channel in (self._now, *self._ends)), *self._ending)
        self._ends.clear()
