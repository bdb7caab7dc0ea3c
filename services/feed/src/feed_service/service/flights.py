"""One load for all who ask at once."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from kit import deadline

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_SECONDS = 5.0  # a load's own time: who asked first may have less left than who joins


class Flights(Generic[K, V]):
    """Nothing is kept once it has landed. All who joined get a failure too; one who gives up takes nobody along."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._flying: dict[K, asyncio.Task[V]] = {}

    async def join(self, key: K, load: Callable[[], Awaitable[V]]) -> V:
        return await asyncio.shield(self.begin(key, load))

    def begin(self, key: K, load: Callable[[], Awaitable[V]]) -> "asyncio.Task[V]":
        """The load under way, or a new one."""
        flying = self._flying.get(key)
        if flying is None:
            flying = self._flying[key] = asyncio.create_task(self._fly(load))
            flying.add_done_callback(lambda done: self._land(key, done))
        return flying

    async def _fly(self, load: Callable[[], Awaitable[V]]) -> V:
        deadline.renew(self._seconds)
        async with asyncio.timeout(self._seconds):
            return await load()

    def _land(self, key: K, done: "asyncio.Task[V]") -> None:
        self._flying.pop(key, None)
        if not done.cancelled():
            done.exception()  # those who wait get it; when nobody waits, nobody need hear of it
