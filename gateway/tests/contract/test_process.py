"""The process as it is run: settings, sockets, signals."""

import asyncio
import json
import signal
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncGenerator

import pytest
from gateway_process import environment_of, gateway_process
from gateway_world import World
from heliograph.post.v1 import post_pb2


async def test_a_request_under_way_is_answered_before_the_process_stops(world: World):
    asked = asyncio.Event()

    async def slow(_: object) -> post_pb2.GetPostResponse:
        asked.set()
        await asyncio.sleep(0.5)
        return post_pb2.GetPostResponse(post=world.post_of(1))

    world.post.answer("GetPost", slow)
    async with gateway_process(world) as (process, client):
        under_way = asyncio.create_task(client.get("/v1/posts/1"))
        await asked.wait()
        process.send_signal(signal.SIGTERM)
        assert (await under_way).status_code == 200
        assert await asyncio.wait_for(process.wait(), 15) == 0


async def test_log_lines_are_json_without_anything_personal(world: World):
    token = world.token()
    async with gateway_process(world) as (process, client):
        headers = {"Authorization": f"Bearer {token}", "User-Agent": "secret-agent", "X-Request-Id": "mark"}
        await client.get("/v1/users/somebody?ids=1", headers=headers)
        process.send_signal(signal.SIGTERM)
        output = (await process.communicate())[0].decode()
    lines = [json.loads(line) for line in output.splitlines()]
    line = next(line for line in lines if line.get("request_id") == "mark")
    assert (line["route"], line["method"], line["service"]) == ("/v1/users/{username}", "GET", "gateway")
    assert len(line["trace_id"]) == 32
    for secret in (token, "secret-agent", "somebody", "127.0.0.1"):
        assert secret not in output.replace(world.settings.user_target, "")


async def test_broken_http_is_refused_and_the_process_lives(world: World):
    async with gateway_process(world) as (_, client):
        for raw in (
            b"GARBAGE\r\n\r\n",
            b"GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
            b"\x00" * 4096,
        ):
            reader, writer = await asyncio.open_connection("127.0.0.1", client.base_url.port)
            writer.write(raw)
            answer = await asyncio.wait_for(reader.read(), 5)
            assert answer.startswith(b"HTTP/1.1 400")
            writer.close()
        assert (await client.get("/healthz")).status_code == 200


async def test_a_chunked_body_is_capped_on_the_wire(world: World):
    async def body() -> AsyncGenerator[bytes]:
        for _ in range(64):
            yield b"x" * (64 * 1024)

    async with gateway_process(world, max_body_bytes="65536") as (_, client):
        response = await client.post("/v1/accounts", content=body(), headers={"Content-Type": "application/json"})
        assert (response.status_code, response.json()["reason"]) == (413, "BODY_TOO_LARGE")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CURSOR_KEY", "short"),
        ("RATE_LIMITS", "read.user=0/60"),
        ("RATE_LIMITS", "read.cat=1/60"),
        ("PUBLIC_URL", "ftp://x"),
        ("TRUSTED_PROXIES", "10.0.0.0/99"),
        ("LISTEN", "nowhere"),
    ],
)
async def test_a_bad_setting_stops_the_start_with_plain_lines(world: World, name: str, value: str):
    environment = environment_of(world.settings) | {f"HELIOGRAPH_{name}": value}
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "gateway", env=environment, stderr=PIPE)
    _, errors = await process.communicate()
    assert process.returncode == 78
    assert all(line.startswith(f"bad settings: HELIOGRAPH_{name}") for line in errors.decode().splitlines())
    assert b"input_value" not in errors


async def test_a_port_that_is_taken_is_told(world: World):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        environment = environment_of(world.settings, listen=f"127.0.0.1:{taken.getsockname()[1]}")
        process = await asyncio.create_subprocess_exec(sys.executable, "-m", "gateway", env=environment, stderr=PIPE)
        _, errors = await process.communicate()
    assert (process.returncode, errors.startswith(b"bad settings: HELIOGRAPH_LISTEN: cannot listen on")) == (78, True)


async def test_with_tracing_on_the_trace_is_still_the_callers(world: World):
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    async with gateway_process(world, otlp_endpoint="http://127.0.0.1:1", trace_sample_ratio="1") as (_, client):
        response = await client.get("/nope", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
        assert response.json()["trace_id"] == trace
        assert response.headers["traceparent"].split("-")[1] == trace
        assert len((await client.get("/nope")).json()["trace_id"]) == 32
