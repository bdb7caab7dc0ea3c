import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path

import httpx

from deploy.k8s.test.load import Person, Tally, live, report

Handler = Callable[[httpx.Request], httpx.Response]


def person(handler: Handler) -> Person:
    known = Person("http://test", Tally(), keeps=True, id="1", token="secret", since=time.monotonic())
    known.client = httpx.AsyncClient(base_url="http://test", transport=httpx.MockTransport(handler))
    return known


async def test_an_answer_counts_and_is_no_failure() -> None:
    asked = person(lambda _: httpx.Response(200))
    await asked.act("GET", "/v1/me/feed")
    assert (asked.tally.requests, asked.tally.failed) == (1, 0)


async def test_a_refusal_is_a_failure_that_is_told() -> None:
    asked = person(lambda _: httpx.Response(503, text="no"))
    await asked.act("GET", "/v1/me/feed")
    assert asked.tally.failed == 1
    assert "GET /v1/me/feed (kept): 503 no" in asked.tally.failures[0]


async def test_a_connection_that_breaks_is_a_failure_and_not_tried_again() -> None:
    asked: list[str] = []

    def broken(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.path)
        raise httpx.RemoteProtocolError("Server disconnected")

    told = person(broken)
    await told.act("GET", "/v1/me/feed")
    assert told.tally.failed == 1
    assert asked == ["/v1/me/feed"]


async def test_people_go_on_until_they_are_told_to_stop_and_all_is_reported(tmp_path: Path) -> None:
    stop, requests = asyncio.Event(), iter(range(20))

    def answer(_: httpx.Request) -> httpx.Response:
        if next(requests, None) is None:
            stop.set()
        return httpx.Response(200)

    asked = person(answer)
    lives = [asyncio.create_task(live(asked, [asked, person(answer)], 0, stop))]
    reporting = asyncio.create_task(report(asked.tally, tmp_path / "report.json", lives))
    await reporting
    assert json.loads((tmp_path / "report.json").read_text())["requests"] == 21
