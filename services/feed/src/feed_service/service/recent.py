"""Values that may be a moment old, kept in the process."""

import math
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

from feed_service.service.flights import Flights

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Recent(Generic[K, V]):
    """Answers of `load`, at most `seconds` old by `clock`; for `stale` seconds more the old one is answered while the
    next is loaded. Those who ask at once share one load; failures are not kept. Holds the `size` keys loaded last, and
    of those only what may still be answered: each load drops what has expired."""

    def __init__(
        self,
        load: Callable[[K], Awaitable[V]],
        *,
        seconds: float,
        clock: Callable[[], float],
        stale: float = 0,
        size: int = 10_000,
    ) -> None:
        self._load, self._seconds, self._stale, self._clock, self._size = load, seconds, stale, clock, size
        self._kept: OrderedDict[K, tuple[float, V]] = OrderedDict()
        self._flights = Flights[K, V]()

    async def get(self, key: K) -> V:
        kept = self._kept.get(key)
        if kept is not None:
            age = self._clock() - kept[0]
            if age < self._seconds:
                return kept[1]
            if age < self._seconds + self._stale:
                self._flights.begin(key, lambda: self._loaded(key))
                return kept[1]
        return await self._flights.join(key, lambda: self._loaded(key))

    def peek(self, key: K) -> V | None:
        """What is kept and needs no loading."""
        kept = self._kept.get(key)
        return kept[1] if kept is not None and self._clock() - kept[0] < self._seconds else None

    def fresh_until(self, key: K) -> float:
        """By `clock`; in the past for what needs loading."""
        kept = self._kept.get(key)
        return kept[0] + self._seconds if kept is not None else -math.inf

    async def _loaded(self, key: K) -> V:
        began = self._clock()
        value = await self._load(key)
        self._kept[key] = (began, value)
        self._kept.move_to_end(key)
        self._drop()
        return value

    def _drop(self) -> None:
        """From the oldest on: they are in the order in which loads ended, which is that of ages but for moments."""
        expired = self._clock() - self._seconds - self._stale
        while self._kept:
            began, _ = next(iter(self._kept.values()))
            if began > expired and len(self._kept) <= self._size:
                break
            self._kept.popitem(last=False)
