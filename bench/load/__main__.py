"""`python -m bench.load`: reads a plan from its input, connects, says "ready", and at the next line begins. Its answer
is one line."""

import asyncio
import gc
import itertools
import json
import random
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import uvloop

from bench.load.check import Checker
from bench.load.plan import Ask, Outcome, Plan, Written
from bench.load.wire import Wire

_QUANTILES = {"p50": 0.5, "p90": 0.9, "p99": 0.99, "p999": 0.999}
_PATIENCE = 10.0  # seconds for what is under way at the end


@dataclass(frozen=True, slots=True)
class Shot:
    """A request that is due. `number` is that of a write, -1 of a read."""

    ask: Ask
    data: bytes
    mark: bytes
    number: int = -1


@dataclass(slots=True)
class Flight:
    shot: Shot
    due: float
    sent: float


class Generator:
    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._checker = Checker(plan.look_every)
        self._shots = _shots(plan)
        self._flights: dict[Wire, Flight] = {}
        self._waiting: deque[tuple[Shot, float]] = deque()
        self._free: list[Wire] = []
        self._wires: list[Wire] = []
        self._reads: list[float] = []
        self._writes: list[float] = []
        self._late: list[float] = []
        self._written: list[Written] = []
        self._done, self._last, self._end = 0, 0.0, float("inf")
        self._over = asyncio.Event()

    async def connect(self) -> None:
        loop, plan = asyncio.get_running_loop(), self._plan
        for _ in range(plan.connections):
            _, wire = await loop.create_connection(lambda: Wire(self._answered), plan.host, plan.port)
            self._wires.append(wire)
            self._free.append(wire)

    async def run(self) -> Outcome:
        gc.collect()
        gc.freeze()
        cpu, start = time.process_time(), time.perf_counter()
        self._end = start + self._plan.seconds
        if self._plan.rate:
            await self._open_loop(start)
        else:
            while self._free and self._again():
                pass
        await self._finish()
        spent = max(self._last - start, 1e-9)
        outcome = self._outcome(spent, time.process_time() - cpu)
        for wire in self._wires:
            wire.close()
        return outcome

    async def _open_loop(self, start: float) -> None:
        """Due times are drawn beforehand, so to speak: nothing that happens moves them."""
        rng, due = random.Random(self._plan.seed), start  # noqa: S311 the same for the same seed
        while (due := due + rng.expovariate(self._plan.rate)) < self._end:
            while (left := due - time.perf_counter()) > 0:  # noqa: ASYNC110 a clock tells no event
                await asyncio.sleep(left)
            shot = next(self._shots, None)
            if shot is None:
                return
            if self._free and not self._waiting:
                self._late.append(time.perf_counter() - due)
                self._send(self._free.pop(), shot, due)
            else:
                self._waiting.append((shot, due))

    def _again(self) -> bool:
        now = time.perf_counter()
        shot = next(self._shots, None) if now < self._end else None
        if shot is None:
            return False
        self._send(self._free.pop(), shot, now)
        return True

    def _send(self, wire: Wire, shot: Shot, due: float) -> None:
        self._flights[wire] = Flight(shot, due, time.time() if shot.number >= 0 else 0.0)
        wire.send(shot.data)

    def _answered(self, wire: Wire, status: int, body: bytes) -> None:
        now = self._last = time.perf_counter()
        flight = self._flights.pop(wire)
        self._done += 1
        good = self._checker.check(flight.shot.ask, flight.shot.mark, status, body)
        number = flight.shot.number
        (self._reads if number < 0 else self._writes).append(now - flight.due)
        if number >= 0 and good:
            self._written.append(Written(number, flight.sent, time.time(), _id_in(body)))
        if wire.open:
            self._free.append(wire)
        self._next()

    def _next(self) -> None:
        if self._plan.rate:
            while self._waiting and self._free:
                self._send(self._free.pop(), *self._waiting.popleft())
        else:
            while self._free and self._again():
                pass
        if not self._flights:
            self._over.set()

    async def _finish(self) -> None:
        """Waits for what is under way."""
        if self._flights:
            self._over.clear()
            try:
                left = max(0.0, self._end - time.perf_counter())
                await asyncio.wait_for(self._over.wait(), left + _PATIENCE)
            except TimeoutError:
                self._checker.faults.append("some were never answered")

    def _outcome(self, seconds: float, cpu: float) -> Outcome:
        checker, unanswered = self._checker, len(self._flights) + len(self._waiting)
        return Outcome(
            done=self._done,
            failed=checker.failed,
            unanswered=unanswered,
            looked_at=checker.looked_at,
            seconds=seconds,
            own_cpu_seconds=cpu,
            bytes_in=sum(wire.bytes_in for wire in self._wires),
            own_lateness_ms=quantiles(self._late).get("p99", 0.0),
            ms=quantiles(self._reads),
            write_ms=quantiles(self._writes),
            read_ms=[round(seconds * 1000, 3) for seconds in self._reads],
            written=self._written,
            faults=checker.faults,
        )


def quantiles(seconds: Sequence[float]) -> Mapping[str, float]:
    """Milliseconds by name; nothing of nothing."""
    found = sorted(seconds)
    if not found:
        return {}
    last = len(found) - 1
    named = {name: found[min(last, int(part * len(found)))] * 1000 for name, part in _QUANTILES.items()}
    return {**named, "max": found[-1] * 1000}


def _shots(plan: Plan) -> Iterator[Shot]:
    rng = random.Random(plan.seed)  # noqa: S311 the same for the same seed
    reads = [_shot(ask) for ask in plan.asks]
    writes = (_shot(ask, number) for number, ask in enumerate(plan.writes))
    if not reads:
        yield from writes
        return
    for count in itertools.count(1):
        yield reads[int(rng.random() * len(reads))]
        if plan.reads_a_write and count % plan.reads_a_write == 0 and (write := next(writes, None)):
            yield write


def _shot(ask: Ask, number: int = -1) -> Shot:
    return Shot(ask, ask.text.encode(), ask.mark.encode(), number)


def _id_in(body: bytes) -> str:
    return str(json.loads(body).get("id", ""))


async def main() -> None:
    generator = Generator(Plan.loads(sys.stdin.readline()))
    await generator.connect()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    if sys.stdin.readline():
        sys.stdout.write((await generator.run()).dumps() + "\n")


if __name__ == "__main__":
    uvloop.run(main())
