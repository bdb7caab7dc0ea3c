"""Loads on a system and on its peers, each with the CPU that it took."""

import http.client
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from bench.home import asks
from bench.home.children import child, free_port
from bench.home.system import OURS, SERVERS, System
from bench.load.driver import Run, run
from bench.load.plan import Ask, Plan, request
from bench.textbook.running import textbook

AT_ONCE = 32
_OPEN_CONNECTIONS = 256
_PATIENCE = 60.0


@dataclass(frozen=True)
class Options:
    """`seconds` of each run, of which there are `runs` for one figure."""

    runs: int = 5
    seconds: float = 5.0


@dataclass(frozen=True)
class Place:
    """Something that answers home feeds. `ours` names its processes in what `watched` tells."""

    name: str
    port: int
    watched: dict[str, Sequence[int]]
    ours: tuple[str, ...]
    asks: Sequence[Ask]

    def micros(self, run: Run) -> float:
        return run.micros(*self.ours)

    def server_micros(self, run: Run) -> float:
        return run.micros(*(name for name in SERVERS if name in run.cpu))

    def closed(self, options: Options, wanted: Sequence[Ask] = (), seed: int = 1) -> Run:
        """As much as goes, with 32 connections."""
        plan = Plan("127.0.0.1", self.port, AT_ONCE, options.seconds, wanted or self.asks, seed=seed)
        return checked(self.name, run(plan, self.watched))

    def open(self, options: Options, rate: float, seed: int = 1) -> Run:
        """At a constant rate, whatever becomes of it."""
        plan = Plan("127.0.0.1", self.port, _OPEN_CONNECTIONS, options.seconds, self.asks, rate=rate, seed=seed)
        return checked(self.name, run(plan, self.watched))

    def warm(self, options: Options) -> None:
        """Every page read, at first from truth, until all answers are right; then as much as goes for a while."""
        plan = Plan("127.0.0.1", self.port, 8, 600, writes=self.asks, look_every=1)
        for _ in range(3):
            if not run(plan, self.watched).outcome.failed:
                break
        checked(self.name, run(plan, self.watched))
        self.closed(options)

    def once(self, wanted: Sequence[Ask], connections: int = 8, seconds: float = 600) -> Run:
        """Each of them, in their order."""
        plan = Plan("127.0.0.1", self.port, connections, seconds, writes=wanted, look_every=1)
        return checked(self.name, run(plan, self.watched))


def checked(name: str, found: Run, *, most: float = 0.001) -> Run:
    """Raises SystemExit when more than this part of the answers was not what it had to be: that measures nothing."""
    outcome = found.outcome
    bad = outcome.failed + outcome.unanswered
    if not outcome.done or bad > outcome.done * most:
        raise SystemExit(f"{name}: {bad} of {outcome.done} answers were wrong: {'; '.join(outcome.faults)}")
    return found


def ours(system: System) -> Place:
    return Place("home", system.port, dict(system.watched()), OURS, asks.home(system))


def again(system: System, place: Place) -> Place:
    """The same after processes were restarted, once the gateway has found them."""
    until = time.monotonic() + _PATIENCE
    while _page(place.port, place.asks[0])[0] != 200:
        if time.monotonic() > until:
            raise SystemExit("the system does not answer after a restart")
        time.sleep(0.2)
    return replace(place, watched=dict(system.watched()))


@contextmanager
def peers(system: System, place: Place) -> Generator[tuple[Place, Place]]:
    """The static route, which answers what our system answered the first viewer, and the textbook's stack."""
    servers = {name: pids for name, pids in place.watched.items() if name in SERVERS}
    with ExitStack() as open_:
        folder = Path(open_.enter_context(tempfile.TemporaryDirectory()))
        _, body = _page(place.port, place.asks[0])
        (folder / "page.json").write_bytes(body)
        port = free_port()
        pid = open_.enter_context(child(port, "bench.home.static", str(port), str(folder / "page.json")))
        mark = place.asks[0].mark
        same = Ask(request("GET", "/v1/me/feed?limit=20"), mark=mark, marks=body.count(mark.encode()))
        static = Place("static", port, {"static": [pid]}, ("static",), [same])
        book = open_.enter_context(textbook(system))
        watched = servers | {"textbook": book.pids}
        yield static, Place("textbook", book.port, watched, ("textbook",), place.asks)


def _page(port: int, ask: Ask) -> tuple[int, bytes]:
    """Status and body of one answer."""
    _, _, head = ask.text.partition("\r\n")
    path = ask.text.split(" ", 2)[1]
    headers = dict(line.split(": ", 1) for line in head.strip().split("\r\n"))
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def shorter(options: Options) -> Options:
    return replace(options, seconds=options.seconds / 2)
