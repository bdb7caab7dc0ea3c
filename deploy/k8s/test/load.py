"""`python -m deploy.k8s.test.load --url URL --report FILE`: people use the API until they are told to stop (SIGTERM).

Nothing is tried twice: whatever is not answered as it should be is a failure, and is told. Every other person keeps a
connection open, as a browser does; the others make a new one for each request.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import secrets
import signal
import time
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx

PATIENCE = 30.0
TOKEN_SECONDS = 240
FIRST_FAILURES = 20
STEPS = (
    ("GET", "/v1/me/feed"),
    ("GET", "/v1/users/{name}"),
    ("PUT", "/v1/users/{other}/follow"),
    ("GET", "/v1/notifications"),
    ("GET", "/v1/me/feed"),
    ("GET", "/v1/search?q=load&type=users"),
    ("DELETE", "/v1/users/{other}/follow"),
    ("GET", "/v1/users/{other}/followers"),
)


@dataclass
class Tally:
    requests: int = 0
    failed: int = 0
    slowest_ms: int = 0
    failures: list[str] = field(default_factory=list[str])

    def add(self, what: str, began: float, fault: str) -> None:
        self.requests += 1
        self.slowest_ms = max(self.slowest_ms, int((time.monotonic() - began) * 1000))
        if fault:
            self.failed += 1
            self.failures = [*self.failures, f"{time.strftime('%H:%M:%S')} {what}: {fault}"][-FIRST_FAILURES:]


@dataclass
class Person:
    url: str
    tally: Tally
    keeps: bool
    name: str = field(default_factory=lambda: f"load_{secrets.token_hex(5)}")
    password: str = field(default_factory=lambda: secrets.token_urlsafe(16))
    id: str = ""
    token: str = ""
    since: float = 0.0
    client: httpx.AsyncClient | None = None

    async def arrive(self) -> None:
        body = {"username": self.name, "email": f"{self.name}@example.org", "password": self.password, "name": "Load"}
        async with self._connection() as client:
            answer = await client.post("/v1/accounts", json=body, headers={"Idempotency-Key": secrets.token_hex(16)})
            self.id = answer.raise_for_status().json()["id"]
            await self._log_in(client)

    async def _log_in(self, client: httpx.AsyncClient) -> None:
        answer = await client.post("/v1/sessions", json={"login": self.name, "password": self.password})
        self.token, self.since = answer.raise_for_status().json()["access_token"], time.monotonic()

    async def act(self, method: str, path: str) -> None:
        began, fault = time.monotonic(), ""
        try:
            async with self._connection() as client:
                if began - self.since > TOKEN_SECONDS:
                    await self._log_in(client)
                answer = await client.request(method, path, headers={"Authorization": f"Bearer {self.token}"})
                fault = "" if answer.is_success else f"{answer.status_code} {answer.text[:200]}"
        except httpx.HTTPError as error:
            fault = f"{type(error).__name__} {error}"
        self.tally.add(f"{method} {path}{' (kept)' if self.keeps else ''}", began, fault)

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncGenerator[httpx.AsyncClient]:
        if self.keeps and self.client:
            yield self.client
            return
        client = httpx.AsyncClient(base_url=self.url, timeout=PATIENCE)
        if self.keeps:
            self.client = client
            yield client
            return
        async with client:
            yield client


async def live(person: Person, others: Sequence[Person], pause: float, stop: asyncio.Event) -> None:
    steps = itertools.cycle(STEPS)
    friends = itertools.cycle([other for other in others if other is not person])
    while not stop.is_set():
        method, path = next(steps)
        friend = next(friends)
        await person.act(method, path.replace("{other}", friend.id).replace("{name}", friend.name))
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)


async def report(tally: Tally, file: Path, lives: Sequence["asyncio.Task[None]"]) -> None:
    """Twice a second, and when all have ended."""
    pending = set(lives)
    while pending:
        _, pending = await asyncio.wait(pending, timeout=0.5)
        part = file.with_suffix(".part")
        part.write_text(json.dumps(vars(tally)))
        part.replace(file)


async def main() -> None:
    parser = argparse.ArgumentParser(prog="deploy.k8s.test.load")
    parser.add_argument("--url", required=True)
    parser.add_argument("--report", type=Path, required=True)
    parser.add_argument("--people", type=int, default=6)
    parser.add_argument("--pause", type=float, default=0.5, help="seconds between a person's requests")
    told = parser.parse_args()
    stop, tally = asyncio.Event(), Tally()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    people = [Person(told.url, tally, keeps=bool(number % 2)) for number in range(told.people)]
    for person in people:
        await person.arrive()
    async with asyncio.TaskGroup() as tasks:
        lives = [tasks.create_task(live(person, people, told.pause, stop)) for person in people]
        tasks.create_task(report(tally, told.report, lives))


if __name__ == "__main__":
    asyncio.run(main())
