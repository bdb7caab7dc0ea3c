"""How a consumer treats a handler's failures: an outage is waited out, poison is buried."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from prometheus_client import Counter, Histogram

from kit import log, telemetry
from kit.delivery import Delivery, Undecodable
from kit.errors import DeadlineExceeded, Unavailable, from_exception
from kit.partition import Stopped
from kit.tasks import uninterrupted

HANDLED = Counter("heliograph_events_handled_total", "Deliveries settled", ["group", "topic", "type", "outcome"])
FAILED = Counter("heliograph_event_attempts_failed_total", "Attempts that raised", ["group", "topic", "type", "kind"])
AGE = Histogram(
    "heliograph_event_age_seconds",
    "From the event to its effect",
    ["group", "topic"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)

_FIRST_PAUSE = 0.1
_LONGEST_PAUSE = 5.0
_SLOW_SECONDS = 1.0

HandleBatch = Callable[[Sequence[Delivery]], Awaitable[None]]
Bury = Callable[[Delivery, Exception], Awaitable[None]]

logger = log.get(__name__)


@dataclass(frozen=True)
class Handling:
    """`bury` gets a delivery once it has failed `max_attempts` times for a reason of its own, or cannot be decoded.
    `slots` bounds how many attempts run at once."""

    group: str
    handle: HandleBatch
    bury: Bury
    slots: asyncio.Semaphore
    max_attempts: int

    async def settle(self, deliveries: Sequence[Delivery], stopping: asyncio.Event) -> None:
        """Returns when each delivery has had its effect or is buried. Raises Stopped when it may not try again."""
        mine = [delivery for delivery in deliveries if delivery.meant_for(self.group)]
        if not mine:
            return
        attempt, faults = 1, 0
        while (error := await self._attempt(mine, attempt, stopping)) is not None:
            if not _outage(error):
                if len(mine) > 1:
                    await self._settle_singly(mine, stopping)
                    return
                faults += 1
                if faults >= self.max_attempts or isinstance(error, Undecodable):
                    await self.bury(mine[0], error)
                    self._count(mine, "buried")
                    return
            await _rest(attempt, stopping)
            attempt += 1
        self._count(mine, "done")

    async def _settle_singly(self, deliveries: Sequence[Delivery], stopping: asyncio.Event) -> None:
        """So that one poisonous delivery does not take its batch with it."""
        for delivery in deliveries:
            await self.settle([delivery], stopping)

    async def _attempt(self, mine: Sequence[Delivery], attempt: int, stopping: asyncio.Event) -> Exception | None:
        async with self.slots:
            if stopping.is_set():
                raise Stopped
            first = mine[0]
            # A batch belongs to a trace when all of it does.
            one_trace = len({delivery.header(telemetry.TRACEPARENT) for delivery in mine}) == 1
            name = f"{first.topic} {first.type}"
            with telemetry.continuing(first.headers, name) if one_trace else nullcontext():
                started = time.perf_counter()
                try:
                    await uninterrupted(self.handle([replace(delivery, attempt=attempt) for delivery in mine]))
                    self._tell(mine, time.perf_counter() - started)
                except Exception as error:  # noqa: BLE001 the outermost boundary of a handler
                    telemetry.mark_failed(error)
                    self._note(first, attempt, error)  # within the trace, so that the line names it
                    return error
        return None

    def _tell(self, deliveries: Sequence[Delivery], seconds: float) -> None:
        """A line for what was slow, or belongs to a trace that somebody may look at; the metrics tell of all."""
        if seconds >= _SLOW_SECONDS or telemetry.is_recording():
            first = deliveries[0]
            names = {"group": self.group, "topic": first.topic, "event_type": first.type, "event_id": first.id}
            logger.info("handled", events=len(deliveries), ms=round(seconds * 1000, 2), **names)

    def _note(self, delivery: Delivery, attempt: int, error: Exception) -> None:
        known = _outage(error)
        kind = "outage" if known else "fault"
        FAILED.labels(self.group, delivery.topic, delivery.type, kind).inc()
        if attempt & (attempt - 1) == 0:  # the first, second, fourth, ... attempt
            place = {"topic": delivery.topic, "partition": delivery.partition, "offset": delivery.offset}
            names = {"group": self.group, "event_type": delivery.type, "event_id": delivery.id, "attempt": attempt}
            logger.warning("event failed", kind=kind, exc_info=None if known else error, **place, **names)

    def _count(self, deliveries: Sequence[Delivery], outcome: str) -> None:
        now = datetime.now(UTC)
        for delivery in deliveries:
            HANDLED.labels(self.group, delivery.topic, delivery.type, outcome).inc()
            exemplar = telemetry.exemplar_of(delivery.header(telemetry.TRACEPARENT))
            age = max(0.0, (now - delivery.time).total_seconds())
            AGE.labels(self.group, delivery.topic).observe(age, exemplar)


def _outage(error: Exception) -> bool:
    return isinstance(from_exception(error), (Unavailable, DeadlineExceeded))


async def _rest(attempt: int, stopping: asyncio.Event) -> None:
    """Waits before the next attempt, or raises Stopped at once when there shall be none here."""
    try:
        async with asyncio.timeout(min(_FIRST_PAUSE * 2 ** min(attempt - 1, 16), _LONGEST_PAUSE)):
            await stopping.wait()
    except TimeoutError:
        return
    raise Stopped
