"""Values that may be a moment old, kept in the process."""

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Answers of `load`, at most `seconds` old by `clock`. Those who ask at once share one load; failures are not kept.
    Holds the `size` keys loaded last."""

    def __init__(
        self, load: Callable[[K], Awaitable[V]], *, seconds: float, clock: Callable[[], float], size: int = 10_000
    ) -> None:
        self._load, self._seconds, self._clock, self._size = load, seconds, clock, size
        self._loads: OrderedDict[K, tuple[float, asyncio.Task[V]]] = OrderedDict()

    async def get(self, key: K) -> V:
        loaded_at, load = self._loads.get(key, (float("-inf"), None))
        if load is None or self._clock() - loaded_at >= self._seconds or _failed(load):
            load = self._begin(key)
        return await asyncio.shield(load)  # one who gives up must not take the others along

    def _begin(self, key: K) -> "asyncio.Task[V]":
        load = asyncio.ensure_future(self._run(key))
        load.add_done_callback(_seen)
        self._loads[key] = (self._clock(), load)
        self._loads.move_to_end(key)
        if len(self._loads) > self._size:
            self._loads.popitem(last=False)
        return load

    async def _run(self, key: K) -> V:
        return await self._load(key)


def _failed(load: "asyncio.Task[V]") -> bool:
    return load.done() and (load.cancelled() or load.exception() is not None)


def _seen(load: "asyncio.Task[V]") -> None:
    """Those who wait get the error; nobody waiting is no reason for a warning of the loop."""
    if not load.cancelled():
        load.exception()
