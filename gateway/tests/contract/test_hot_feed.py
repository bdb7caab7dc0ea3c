"""The hot handler and the application behind it give the same answers to the same requests."""

import asyncio
import itertools
import json
import re
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
import pytest_asyncio
from gateway.app import build
from gateway.auth import Authenticator
from gateway.edge import Load
from gateway.here import Parts
from gateway.hot.feed import HotFeed
from gateway_world import ADA, BEN, World
from heliograph.feed.v1 import feed_pb2
from kit.errors import DeadlineExceeded, Internal, InvalidArgument, NotFound, Unavailable
from pydantic import SecretStr
from redis.asyncio import Redis
from starlette.types import ASGIApp, Message, Receive, Scope, Send

PATH = "/v1/me/feed"
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
PAGE = b'[{"id":"7","title":"\xc3\xa9"},{"id":"6"}]'

Headers = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Case:
    """A request. `cursor` is the scope and the token of its cursor; `hot` says whether the hot handler answers it by
    itself; the token was `seen` before."""

    name: str
    hot: bool = True
    query: str = ""
    headers: Headers = ()
    cursor: tuple[str, str] | None = None
    token: Callable[[World], str | None] = lambda world: world.token()
    method: str = "GET"
    path: str = PATH
    peer: tuple[str, int] | None = ("203.0.113.7", 4711)
    body: bytes = b""
    seen: bool = True


@dataclass
class Answer:
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    body: bytes = b""

    def comparable(self) -> tuple[int, list[tuple[str, str]], Any]:
        """Without what names this one exchange."""
        return self.status, sorted((name, _named(name, value)) for name, value in self.headers), _body(self)

    def __getitem__(self, name: str) -> str:
        return dict(self.headers)[name]


def _named(name: str, value: str) -> str:
    if name == "x-request-id" and re.fullmatch(r"[0-9a-f-]{32,36}", value):
        return "(an id)"
    return "(a trace)" if name == "traceparent" and value != TRACE else value


def _body(answer: Answer) -> Any:
    if dict(answer.headers).get("content-type") != "application/problem+json" or not answer.body:
        return answer.body
    problem = json.loads(answer.body)
    assert len(problem["trace_id"]) == 32
    return {**problem, "trace_id": problem["trace_id"] if problem["trace_id"] in TRACE else "(a trace)"}


def _signed(query: str = "", viewer: int = ADA) -> tuple[str, str]:
    return f"{PATH}?{query}#{viewer}", "5"


GOOD = [
    Case("plain"),
    Case("a limit", query="limit=3"),
    Case("the largest limit", query="limit=100"),
    Case("more than the largest limit", query="limit=101"),
    Case("four digits", query="limit=9999"),
    Case("the newest first", query="order=latest"),
    Case("a further page", cursor=_signed()),
    Case("a further page of the best", query="order=top", cursor=_signed("order=top")),
    Case("a further page with another limit", query="limit=2", cursor=_signed()),
    Case("the first page is known", headers=[("if-none-match", "*")]),
    Case("another page is known", headers=[("if-none-match", '"x", W/"y"')]),
    Case("a further page is known", cursor=_signed(), headers=[("if-none-match", "*")]),
    Case("an odd tag", headers=[("if-none-match", "\xff")]),
    Case("an id of the caller's own", headers=[("x-request-id", "mine-1")]),
    Case("an id that logs cannot hold", headers=[("x-request-id", "mine 1\t")]),
    Case("an empty id", headers=[("x-request-id", "")]),
    Case("a trace", headers=[("traceparent", TRACE)]),
    Case("a trace that is none", headers=[("traceparent", "00-0-0-0")]),
    Case("a trace of zeros", headers=[("traceparent", f"00-{'0' * 32}-{'0' * 16}-01")]),
    Case("a trace of a later version", headers=[("traceparent", TRACE.replace("00-", "01-", 1))]),
    Case("a page of another origin", headers=[("origin", "https://app.example.org")]),
    Case("no origin that could be", headers=[("origin", "null")]),
    Case("cookies are nothing to us", headers=[("cookie", "a=b"), ("origin", "https://app.example.org")]),
    Case("what the client would rather have", headers=[("accept", "text/html"), ("accept-encoding", "gzip")]),
    Case("no body, and says so", headers=[("content-length", "0")]),
    Case("through a proxy that nobody trusts", headers=[("x-forwarded-for", "198.51.100.1")]),
    Case("a client without an address", peer=None),
    Case("a client of IPv6", peer=("2001:db8::1", 1)),
    Case("a key to repeat nothing with", headers=[("idempotency-key", "k1")]),
    Case("a range", headers=[("range", "bytes=0-1")]),
    Case("a condition for writers", headers=[("if-match", '"x-1"')]),
    Case("as an app of somebody", token=lambda world: world.token(client_id="camera")),
]
ODD = [
    Case("HEAD", hot=False, method="HEAD"),
    Case("a preflight", hot=False, method="OPTIONS", headers=[
        ("origin", "https://app.example.org"), ("access-control-request-method", "GET"),
    ]),
    Case("OPTIONS", hot=False, method="OPTIONS"),
    Case("a method that is none", hot=False, method="BREW"),
    Case("deletion", hot=False, method="DELETE"),
    Case("a slash more", hot=False, path=PATH + "/"),
    Case("a line feed more", hot=False, path=PATH + "\n"),
    Case("a body", hot=False, headers=[("content-length", "2")], body=b"{}"),
    Case("a body of unknown length", hot=False, headers=[("transfer-encoding", "chunked")], body=b"{}"),
    Case("a body that is too large", hot=False, headers=[("content-length", "9" * 30)]),
    Case("an unknown parameter", hot=False, query="utm_source=letter"),
    Case("the best first", hot=False, query="order=top"),
    Case("both", hot=False, query="order=top&limit=7"),
    Case("both, the other way round", hot=False, query="limit=7&order=top"),
    Case("an unknown parameter among others", hot=False, query="limit=2&x=%00&order=top"),
    Case("a limit twice", hot=False, query="limit=2&limit=3"),
    Case("an order twice", hot=False, query="order=top&order=latest"),
    Case("an escaped limit", hot=False, query="limit=%32"),
    Case("no limit", hot=False, query="limit=0"),
    Case("a limit with a zero before it", hot=False, query="limit=007"),
    Case("a limit that is empty", hot=False, query="limit="),
    Case("a limit that is a word", hot=False, query="limit=many"),
    Case("an enormous limit", hot=False, query="limit=" + "9" * 5000),
    Case("an order that is none", hot=False, query="order=worst"),
    Case("an empty part", hot=False, query="limit=2&&order=top"),
    Case("a question mark alone", hot=False, query="?"),
    Case("bytes that are no text", hot=False, query="limit=\xff"),
    Case("an empty cursor", hot=False, query="cursor="),
    Case("a cursor that is none", hot=False, query="cursor=AAAA"),
    Case("a cursor of a character more", hot=False, query="cursor=a%20b"),
    Case("an enormous cursor", hot=False, query="cursor=" + "A" * 5000),
    Case("two cursors", hot=False, query="cursor=AAAA", cursor=_signed()),
    Case("somebody else's cursor", hot=False, cursor=_signed(viewer=BEN)),
    Case("a cursor of the other order", hot=False, query="order=top", cursor=_signed()),
    Case("a cursor of another list", hot=False, cursor=(f"/v1/users/1/posts?#{ADA}", "5")),
    Case("a header twice", hot=False, headers=[("accept", "a"), ("accept", "b")]),
    Case("two ids", hot=False, headers=[("x-request-id", "a"), ("x-request-id", "b")]),
    Case("two tokens", hot=False, headers=[("authorization", "Bearer x")]),
    Case("nobody", hot=False, token=lambda _: None),
    Case("an empty token", hot=False, token=lambda _: ""),
    Case("no token", hot=False, token=lambda _: "not.a.token"),
    Case("a token that nobody saw before", hot=False, seen=False, token=lambda world: world.token(jti="new")),
    Case("a token of long ago", hot=False, token=lambda world: world.token(exp=1)),
    Case("a token without the right", hot=False, token=lambda world: world.token(scope="write")),
    Case("an app by itself", hot=False, token=lambda world: world.token(sub="camera", client_id="camera")),
]  # fmt: skip


class Pair:
    """One gateway, with the hot handler and without it. `passed` counts what the hot handler handed on."""

    def __init__(self, world: World, parts: Parts, redis: Redis) -> None:
        self.world, self.parts, self._redis = world, parts, redis
        self.passed = 0
        self.long = build(parts, hot=False)
        self.hot = HotFeed(self._handed_on, parts, Load(parts.settings.max_concurrent_calls))

    async def _handed_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.passed += 1
        await self.long(scope, receive, send)

    async def both(self, case: Case, token: str | None) -> tuple[Answer, Answer]:
        """With limits as new for each of them."""
        await self._redis.flushdb()
        hot = await self.ask(self.hot, case, token)
        await self._redis.flushdb()
        return hot, await self.ask(self.long, case, token)

    async def seen(self, token: str | None) -> None:
        await self.ask(self.long, Case("seen"), token)

    async def ask(self, app: ASGIApp, case: Case, token: str | None) -> Answer:
        headers = [*case.headers, *([("authorization", f"Bearer {token}")] if token is not None else [])]
        query = case.query
        if case.cursor:
            cursor = f"cursor={self.parts.cursors.sign(*case.cursor)}"
            query = f"{query}&{cursor}" if query else cursor
        scope = {
            "type": "http", "http_version": "1.1", "method": case.method, "scheme": "http", "path": case.path,
            "raw_path": case.path.encode(), "root_path": "", "query_string": query.encode("latin-1"),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in headers],
            "client": case.peer, "server": ("api.test", 80),
        }  # fmt: skip
        return await _asked(app, scope, case.body)


async def _asked(app: ASGIApp, scope: Scope, body: bytes = b"") -> Answer:
    answer = Answer()

    async def receive() -> Message:
        return {"type": "http.request", "body": body}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = [(name.decode(), value.decode("latin-1")) for name, value in message["headers"]]
        else:
            answer.body += message.get("body", b"")

    await app(scope, receive, send)
    return answer


@pytest_asyncio.fixture
async def pair(world: World, redis_url: str) -> AsyncGenerator[Pair]:
    world.feed.answer("GetHomePage", feed_pb2.GetHomePageResponse(items=PAGE, next_page_token="20"))
    redis = Redis.from_url(redis_url)
    try:
        yield Pair(world, (await world.gateway())[1], redis)
    finally:
        await redis.aclose()


async def test_plain_requests_are_answered_as_the_application_would(pair: Pair):
    for case in GOOD:
        await pair.seen(token := case.token(pair.world))
        hot, long = await pair.both(case, token)
        assert hot.comparable() == long.comparable(), case.name
        asked = pair.world.feed.asked(feed_pb2.GetHomePageRequest)
        assert asked[-1] == asked[-2], case.name
        assert hot.status == (304 if ("if-none-match", "*") in case.headers and not case.cursor else 200), case.name
    assert pair.passed == 0


async def test_all_others_are_answered_by_the_application(pair: Pair):
    for count, case in enumerate(ODD, 1):
        token = case.token(pair.world)
        if case.seen:
            await pair.seen(token)
        hot, long = await pair.both(case, token)
        assert hot.comparable() == long.comparable(), case.name
        assert pair.passed == count, case.name


FAILURES = [
    Unavailable("CASSANDRA_UNAVAILABLE", "a backing service is not available", retry_after=3),
    InvalidArgument("BAD_PAGE_TOKEN", "not one of this list"),
    NotFound("USER_NOT_FOUND", "there is no such user"),
    Internal("INTERNAL", "internal error"),
    DeadlineExceeded("DEADLINE_EXCEEDED", "too late"),
    ZeroDivisionError("a bug"),
]


async def test_both_fail_alike(pair: Pair):
    await pair.seen(token := pair.world.token())
    traced = [("traceparent", TRACE), ("origin", "https://app.example.org")]
    for failure, headers in itertools.product(FAILURES, ((), traced)):
        pair.world.feed.answer("GetHomePage", failure)
        hot, long = await pair.both(Case("failing", headers=headers), token)
        assert hot.comparable() == long.comparable(), failure
        assert hot.status >= 400
    assert pair.passed == 0


PAGES = [
    feed_pb2.GetHomePageResponse(),
    feed_pb2.GetHomePageResponse(items=b"[]", degraded=True),
    feed_pb2.GetHomePageResponse(items=PAGE, degraded=True, next_page_token="\u00e9" * 100),
]


async def test_both_show_the_same_page(pair: Pair):
    await pair.seen(token := pair.world.token())
    for page in PAGES:
        pair.world.feed.answer("GetHomePage", page)
        hot, long = await pair.both(Case("page"), token)
        assert hot.comparable() == long.comparable()
        shown = json.loads(hot.body)
        assert (shown["items"], shown["degraded"]) == (json.loads(page.items or b"[]"), page.degraded)
        assert bool(shown["next"]) == bool(page.next_page_token)


async def test_both_tell_that_the_feed_is_away(world: World, redis_url: str):
    async with Redis.from_url(redis_url) as redis:
        pair = Pair(world, (await world.gateway(feed_target="127.0.0.1:1"))[1], redis)
        await pair.seen(token := world.token())
        hot, long = await pair.both(Case("away"), token)
    assert hot.comparable() == long.comparable()
    assert (hot.status, json.loads(hot.body)["reason"], pair.passed) == (503, "FEED_UNAVAILABLE", 0)


async def test_both_give_up_in_time(pair: Pair):
    async def late(_: object) -> feed_pb2.GetHomePageResponse:
        await asyncio.sleep(30)
        return feed_pb2.GetHomePageResponse()

    await pair.seen(token := pair.world.token())
    pair.world.feed.answer("GetHomePage", late)
    began = time.monotonic()
    hot, long = await asyncio.gather(*(pair.ask(app, Case("late"), token) for app in (pair.hot, pair.long)))
    assert time.monotonic() - began < 4
    assert (hot.status, json.loads(hot.body)["reason"]) == (504, "DEADLINE_EXCEEDED")
    assert (hot.status, _body(hot)) == (long.status, _body(long))


@pytest.mark.parametrize(
    "limits", ["read.user=2/60", "read.user=3/60,read.address=2/60", "read.user=2/60,read.address=3/3600"]
)
async def test_both_refuse_who_asks_too_often(world: World, redis_url: str, limits: str):
    async with Redis.from_url(redis_url) as redis:
        # Buckets that fill so slowly that the time between two requests does not show.
        slow = "read.user=100/36000,read.address=100/36000,"
        pair = Pair(world, (await world.gateway(rate_limits=slow + limits))[1], redis)
        await pair.seen(token := world.token())
        answers: list[list[Answer]] = []
        for app in (pair.hot, pair.long):
            await redis.flushdb()
            answers.append([await pair.ask(app, Case("often"), token) for _ in range(5)])
    for hot, long in zip(*answers, strict=True):
        assert hot.comparable() == long.comparable()
    assert [answer.status for answer in answers[0]] == [200, 200, 429, 429, 429]
    assert pair.passed == 0


async def test_who_is_known_to_ask_too_often_costs_the_feed_nothing(world: World, redis_url: str):
    async with Redis.from_url(redis_url) as redis:
        pair = Pair(world, (await world.gateway(rate_limits="read.user=1/60"))[1], redis)
        await pair.seen(token := world.token())
        before = len(world.feed.asked(feed_pb2.GetHomePageRequest))
        for _ in range(20):
            await pair.ask(pair.hot, Case("often"), token)
    assert len(world.feed.asked(feed_pb2.GetHomePageRequest)) == before + 1  # the one whose verdict told


async def test_a_refusal_holds_for_all_that_a_person_sends(world: World, redis_url: str):
    async with Redis.from_url(redis_url) as redis:
        pair = Pair(world, (await world.gateway(rate_limits="read.user=1/60"))[1], redis)
        tokens = [world.token(sid=str(ADA + 1000 + at)) for at in range(5)]
        for token in tokens:
            await pair.seen(token)
        before = len(world.feed.asked(feed_pb2.GetHomePageRequest))
        for at, token in enumerate(tokens):
            refused = await pair.ask(pair.hot, Case("elsewhere", peer=(f"203.0.113.{at}", 4711)), token)
            assert refused.status == 429
        assert (await pair.ask(pair.hot, Case("another"), world.token(ADA + 5))).status == 200
    assert len(world.feed.asked(feed_pb2.GetHomePageRequest)) <= before + 2  # the one whose verdict told, the other's


async def test_the_ranked_feed_is_not_asked_before_the_verdict(world: World, redis_url: str):
    async with Redis.from_url(redis_url) as redis:
        pair = Pair(world, (await world.gateway(rate_limits="read.user=1/2"))[1], redis)
        await pair.seen(token := world.token())
        before = len(world.feed.asked(feed_pb2.GetHomePageRequest))
        refused = await pair.ask(pair.hot, Case("dear", query="order=top"), token)
    assert refused.status == 429
    assert len(world.feed.asked(feed_pb2.GetHomePageRequest)) == before


async def test_rankings_have_a_limit_of_their_own(world: World, redis_url: str):
    async with Redis.from_url(redis_url) as redis:
        pair = Pair(world, (await world.gateway(rate_limits="ranked.user=3/3600"))[1], redis)
        await pair.seen(token := world.token())
        why = Case("why", path=f"/v1/posts/{ADA}/why")
        answers = [await pair.ask(pair.hot, Case("top", query="order=top"), token) for _ in range(2)]
        answers += [await pair.ask(pair.hot, why, token) for _ in range(2)]
        answers += [await pair.ask(pair.hot, Case("top", query="order=top"), token)]
        assert [answer.status for answer in answers] == [200, 200, 200, 429, 429]
        assert (await pair.ask(pair.hot, Case("latest"), token)).status == 200


async def test_who_asked_too_often_may_ask_again_when_told(world: World, redis_url: str):
    async with Redis.from_url(redis_url) as redis:
        pair = Pair(world, (await world.gateway(rate_limits="read.user=1/1"))[1], redis)
        await pair.seen(token := world.token())
        refused = await pair.ask(pair.hot, Case("often"), token)
        await asyncio.sleep(float(refused["retry-after"]))
        assert (await pair.ask(pair.hot, Case("often"), token)).status == 200


async def test_a_session_that_ends_is_over_at_once(pair: Pair):
    await pair.seen(token := pair.world.token())
    assert (await pair.ask(pair.hot, Case("before"), token)).status == 200
    pair.parts.revocations.add(ADA + 1000)
    hot, long = await pair.both(Case("after"), token)
    assert hot.comparable() == long.comparable()
    assert json.loads(hot.body)["reason"] == "SESSION_REVOKED"


async def test_a_token_is_over_when_it_says_so(world: World, redis_url: str):
    _, parts = await world.gateway()
    late = time.time()
    authenticator = Authenticator(parts.keys, parts.revocations, lambda: late)
    async with Redis.from_url(redis_url) as redis:
        pair = Pair(world, replace(parts, authenticator=authenticator), redis)
        await pair.seen(token := world.token())
        assert (await pair.ask(pair.hot, Case("before"), token)).status == 200
        assert pair.passed == 0
        late += 1000
        hot, long = await pair.both(Case("after"), token)
    assert hot.comparable() == long.comparable()
    assert json.loads(hot.body)["reason"] == "TOKEN_EXPIRED"


async def test_what_finds_no_room_is_sent_away(world: World):
    held, free = asyncio.Event(), asyncio.Event()

    async def slow(_: object) -> feed_pb2.GetHomePageResponse:
        held.set()
        await free.wait()
        return feed_pb2.GetHomePageResponse()

    app, parts = await world.gateway(max_concurrent_calls=1)
    client = await world.client(app, world.token())
    assert (await client.get("/v1/me")).status_code == 200
    world.feed.answer("GetHomePage", slow)
    first = asyncio.ensure_future(client.get(PATH))
    await held.wait()
    response = await client.get(PATH)
    free.set()
    assert (response.status_code, response.json()["reason"]) == (503, "OVERLOADED")
    assert (await first).status_code == 200
    assert (await client.get(PATH)).status_code == 200
    assert parts.settings.max_concurrent_calls == 1


async def test_without_redis_the_quota_is_that_of_the_process(world: World, redis_url: str):
    async with Redis.from_url(redis_url) as redis:
        changes = {"rate_limits": "read.user=3/60", "redis_url": SecretStr("redis://127.0.0.1:1/0")}
        pair = Pair(world, (await world.gateway(**changes))[1], redis)
        await pair.seen(token := world.token())
        statuses = [(await pair.ask(pair.hot, Case("alone"), token)).status for _ in range(4)]
    assert statuses == [200, 200, 429, 429]


async def test_only_the_origins_that_are_set_are_told(world: World, redis_url: str):
    async with Redis.from_url(redis_url) as redis:
        pair = Pair(world, (await world.gateway(cors_origins=("https://app.example.org",)))[1], redis)
        await pair.seen(token := world.token())
        for origin in ("https://app.example.org", "https://evil.example.org", "\xff"):
            hot, long = await pair.both(Case("origin", headers=[("origin", origin)]), token)
            assert hot.comparable() == long.comparable()
            allowed = "access-control-allow-origin" in dict(hot.headers)
            assert allowed == (origin == "https://app.example.org")
