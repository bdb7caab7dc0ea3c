"""What many ask for at once, loaded in few calls."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from kit import deadline

V = TypeVar("V")

_PATIENT_SECONDS = 0.05  # how long those whom nobody waits for wait for one another: a call is dear
_PATIENT_AT_ONCE = 32  # and so few, since pages wait while the call's two ends make and read what it brings
_AT_ONCE = 200  # ids in one call
_LOAD_SECONDS = 2.0


@dataclass(slots=True)
class Batch(Generic[V]):
    """Ids that are asked for together; `landed` is what is known of them then."""

    landed: "asyncio.Future[Mapping[int, V]]"
    ids: dict[int, None] = field(default_factory=dict[int, None])
    sent: bool = False


class Batches(Generic[V]):
    """An id is in one batch at a time: all who ask for it meanwhile share that, its failure too.

    `keep(id, value, sent)` takes what has come, None for what there is not, and when it was asked for by `clock`; not
    when the id was dropped meanwhile. Unless `shared`, nobody joins a batch that has gone out.
    """

    def __init__(
        self,
        load: Callable[[Sequence[int]], Awaitable[Mapping[int, V]]],
        keep: Callable[[int, V | None, float], None],
        *,
        clock: Callable[[], float],
        shared: bool = True,
    ) -> None:
        self._load, self._keep, self._clock, self._shared = load, keep, clock, shared
        self._of: dict[int, Batch[V]] = {}
        self._next: Batch[V] | None = None
        self._departure: asyncio.Handle | None = None

    def join(self, ids: Sequence[int]) -> Sequence[Batch[V]]:
        """The batches that bring these, each once; a new one goes out in this turn of the loop."""
        batches = {id(batch): batch for batch in [self._board(one) for one in ids]}
        if self._next is not None and id(self._next) in batches:
            self._depart_in(0)
        return list(batches.values())

    def order(self, one: int) -> None:
        """Has it brought at leisure: nobody waits."""
        if one in self._of:
            return
        batch = self._board(one)
        if len(batch.ids) >= _PATIENT_AT_ONCE:
            self._depart()
        else:
            self._depart_in(_PATIENT_SECONDS)

    def drop(self, one: int) -> None:
        """What is under way of it is not kept, and nobody joins it any more."""
        batch = self._of.get(one)
        if batch is not None and batch.sent:
            del self._of[one]

    def drop_all(self) -> None:
        self._of = {one: batch for one, batch in self._of.items() if not batch.sent}

    def _board(self, one: int) -> Batch[V]:
        """The batch that brings it: one under way, or the next."""
        under_way = self._of.get(one)
        if under_way is not None:
            return under_way
        if self._next is None:
            self._next = Batch(asyncio.get_running_loop().create_future())
        batch = self._of[one] = self._next
        batch.ids[one] = None
        if len(batch.ids) >= _AT_ONCE:
            self._depart()
        return batch

    def _depart_in(self, seconds: float) -> None:
        if self._next is None:
            return
        loop = asyncio.get_running_loop()
        if seconds == 0:
            if self._departure is not None:
                self._departure.cancel()
            self._departure = loop.call_soon(self._depart)
        elif self._departure is None:
            self._departure = loop.call_later(seconds, self._depart)

    def _depart(self) -> None:
        batch, self._next = self._next, None
        if self._departure is not None:
            self._departure.cancel()
            self._departure = None
        if batch is None:
            return
        batch.sent = True
        if not self._shared:
            for one in batch.ids:
                del self._of[one]
        loading = asyncio.create_task(self._fly(batch))
        loading.add_done_callback(lambda done: _land(batch, done))

    async def _fly(self, batch: Batch[V]) -> Mapping[int, V]:
        deadline.renew(_LOAD_SECONDS)
        sent = self._clock()
        try:
            loaded = await self._load(list(batch.ids))
            for one in batch.ids:
                if self._of.get(one) is batch:  # else it was dropped meanwhile
                    self._keep(one, loaded.get(one), sent)
            return loaded
        finally:
            for one in batch.ids:
                if self._of.get(one) is batch:
                    del self._of[one]


def _land(batch: Batch[V], done: "asyncio.Task[Mapping[int, V]]") -> None:
    if done.cancelled():
        batch.landed.cancel()
    elif error := done.exception():
        batch.landed.set_exception(error)
        batch.landed.exception()  # those who wait get it; when nobody waits, nobody need hear of it
    else:
        batch.landed.set_result(done.result())
