"""Services that are away, late or gone in the middle: told as such, and only where they are needed."""

import asyncio
import time

import pytest
from gateway_world import Client, Refused, World
from heliograph.post.v1 import post_pb2
from starlette.types import ASGIApp, Message

ROUTES = {
    "user": "/v1/me",
    "graph": "/v1/relationships?ids=1",
    "post": "/v1/posts/1/likes",
    "feed": "/v1/me/feed",
    "notify": "/v1/notifications",
    "search": "/v1/search?q=x",
}


@pytest.mark.parametrize("service", ["graph", "post", "feed", "notify", "search"])
async def test_a_service_that_is_away_costs_its_own_routes_alone(world: World, refused: Refused, service: str):
    app, _ = await world.gateway(**{f"{service}_target": "127.0.0.1:1"})
    client = await world.client(app, world.token())
    for name, path in ROUTES.items():
        response = await client.get(path)
        if name == service:
            refused(response, 503, f"{service.upper()}_UNAVAILABLE")
            assert int(response.headers["retry-after"]) >= 1
        else:
            assert response.status_code == 200, name


async def test_an_answer_that_comes_too_late_is_told_in_time(ada: Client, world: World, refused: Refused):
    async def late(_: object) -> post_pb2.LikePostResponse:
        await asyncio.sleep(30)
        return post_pb2.LikePostResponse()

    world.post.answer("LikePost", late)
    started = time.monotonic()
    refused(await ada.put("/v1/posts/1/like"), 504, "DEADLINE_EXCEEDED")
    assert time.monotonic() - started < 4


async def test_a_client_that_goes_away_is_no_error_of_ours(app: ASGIApp, world: World):
    sent: list[Message] = []
    scope = {
        "type": "http",
        "method": "POST",
        "path": "/v1/sessions",
        "query_string": b"",
        "headers": [(b"content-type", b"application/json"), (b"content-length", b"10")],
        "client": ("192.0.2.1", 1),
    }
    messages = iter([{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}])

    async def receive() -> Message:
        return next(messages)

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    assert sent[0]["status"] == 400


async def test_other_origins_may_ask(anonymous: Client):
    origin = {"Origin": "https://app.example.org"}
    preflight = {**origin, "Access-Control-Request-Method": "PATCH", "Access-Control-Request-Headers": "Authorization"}
    allowed = await anonymous.options("/v1/me", headers=preflight)
    assert allowed.status_code == 200
    assert "PATCH" in allowed.headers["access-control-allow-methods"]
    answer = await anonymous.get("/v1/me", headers=origin)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "RateLimit" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers


async def test_only_the_origins_that_are_set_may_ask(world: World, refused: Refused):
    app, _ = await world.gateway(cors_origins=("https://app.example.org",))
    client = await world.client(app)
    preflight = {"Origin": "https://evil.example.org", "Access-Control-Request-Method": "GET"}
    assert (await client.options("/v1/me", headers=preflight)).headers["content-type"] == "application/problem+json"
    for origin, allowed in (("https://app.example.org", True), ("https://evil.example.org", False)):
        headers = (await client.get("/healthz", headers={"Origin": origin})).headers
        assert ("access-control-allow-origin" in headers) == allowed
