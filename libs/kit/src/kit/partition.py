"""The work on one assigned partition: in order per key, different keys side by side, and how far all of it is done."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime

from kit.delivery import Delivery

# Returns when each delivery has had its effect or is buried. Raises Stopped when the event is set before that.
Settle = Callable[[Sequence[Delivery], asyncio.Event], Awaitable[None]]


class Stopped(Exception):
    """The work was given up because the partition goes to someone else."""


class Partition:
    """Without a batch size each key is a queue of its own; with one the partition is a single queue that is settled in
    batches up to that size."""

    def __init__(self, settle: Settle, *, batch_size: int | None = None) -> None:
        self._settle, self._batch_size = settle, batch_size
        self._stopping = asyncio.Event()
        self._queues: dict[str, deque[Delivery]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: deque[tuple[int, datetime]] = deque()  # offsets, and when their events were
        self._done: set[int] = set()
        self._failure: BaseException | None = None
        self.position: int | None = None
        self.arrived: int | None = None
        """The offset after the last delivery."""
        self.committed: int | None = None
        self.paused = False

    @property
    def backlog(self) -> int:
        """How many deliveries the position waits for, or has passed in part."""
        return len(self._open)

    @property
    def oldest(self) -> datetime | None:
        """When the event was that the position waits for; None when it waits for none that is here."""
        return self._open[0][1] if self._open else None

    @property
    def failure(self) -> BaseException | None:
        """What ended a task that should never end so: a bug of the kit."""
        return self._failure

    def add(self, deliveries: Sequence[Delivery]) -> None:
        """In the order of their offsets."""
        for delivery in deliveries:
            if self.position is None:
                self.position = self.committed = delivery.offset
            self.arrived = delivery.offset + 1
            self._open.append((delivery.offset, delivery.time))
            self._enqueue("" if self._batch_size else delivery.key, delivery)

    async def stop(self, grace: float) -> None:
        """Begins nothing new, lets what runs finish for `grace` seconds, then cancels it. The position stays valid."""
        self._stopping.set()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=grace)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late)

    def _enqueue(self, key: str, delivery: Delivery) -> None:
        queue = self._queues.get(key)
        if queue is not None:
            queue.append(delivery)
            return
        self._queues[key] = deque([delivery])
        task = asyncio.create_task(self._work(key))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def _work(self, key: str) -> None:
        queue = self._queues[key]
        while queue and not self._stopping.is_set():
            taken = [queue.popleft() for _ in range(min(len(queue), self._batch_size or 1))]
            try:
                await self._settle(taken, self._stopping)
            except Stopped:
                return
            self._finish(taken)
        del self._queues[key]

    def _finish(self, deliveries: Sequence[Delivery]) -> None:
        self._done.update(delivery.offset for delivery in deliveries)
        while self._open and self._open[0][0] in self._done:
            offset, _ = self._open.popleft()
            self._done.remove(offset)
            self.position = offset + 1

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if self._stopping.is_set():
            return
        self._failure = RuntimeError("a handler was cancelled") if task.cancelled() else task.exception()
