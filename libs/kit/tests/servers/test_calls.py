"""Server and client of the kit, over a real socket."""

import asyncio
import json
from contextlib import AsyncExitStack

import grpc
import pytest
import redis.exceptions
from google.protobuf.wrappers_pb2 import StringValue
from grpc_health.v1 import health_pb2
from kit import client, deadline, errors, telemetry
from kit.server import Context
from prometheus_client import REGISTRY

from .echo import METHOD, NAME, echo, say


async def reverse(text: str, context: Context) -> str:
    return text[::-1]


def calls(code: str, side: str = "server") -> float:
    labels = {"method": METHOD, "code": code}
    return REGISTRY.get_sample_value(f"heliograph_rpc_{side}_seconds_count", labels) or 0


async def test_a_call_is_answered_and_counted_on_both_sides() -> None:
    before = calls("OK"), calls("OK", "client")
    async with echo(reverse) as service:
        assert (await service.say(StringValue(value="abc"))).value == "cba"
    assert (calls("OK"), calls("OK", "client")) == (before[0] + 1, before[1] + 1)


async def test_an_error_reaches_the_caller_as_it_was_raised() -> None:
    async def fail(text: str, context: Context) -> str:
        fault = errors.FieldViolation("/caption", "too long")
        raise errors.InvalidArgument("BAD_CAPTION", "wrong", fields=[fault], metadata={"limit": "9"}, retry_after=1.5)

    async with echo(fail) as service:
        with pytest.raises(errors.InvalidArgument) as caught:
            await service.say(StringValue())
    got = caught.value
    assert (got.reason, got.message, got.metadata, got.retry_after) == ("BAD_CAPTION", "wrong", {"limit": "9"}, 1.5)
    assert got.fields == (errors.FieldViolation("/caption", "too long"),)


async def test_a_driver_that_finds_its_server_down_makes_the_call_unavailable(
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def ask_redis(text: str, context: Context) -> str:
        raise redis.exceptions.ConnectionError("Error 111 connecting to 10.0.0.7:6379")

    async with echo(ask_redis) as service:
        with pytest.raises(errors.Unavailable) as caught:
            await service.say(StringValue())
    assert (caught.value.reason, caught.value.retry_after) == ("REDIS_UNAVAILABLE", 1)
    assert "10.0.0.7" not in str(caught.value)
    assert "10.0.0.7" in capsys.readouterr().out


async def test_an_unknown_exception_does_not_leak_and_is_logged_once(capsys: pytest.CaptureFixture[str]) -> None:
    async def break_down(text: str, context: Context) -> str:
        raise RuntimeError("password=hunter2")

    async with echo(break_down) as service:
        telemetry.begin()
        with pytest.raises(errors.Internal) as caught:
            await service.say(StringValue())
        async with grpc.aio.insecure_channel(service.target) as bare:
            with pytest.raises(grpc.aio.AioRpcError) as seen:
                await say(bare)(StringValue())
    assert caught.value.message == "internal error"
    assert "hunter2" not in repr(caught.value) + repr(seen.value)
    logged = [json.loads(line) for line in capsys.readouterr().out.splitlines() if "hunter2" in line]
    assert len(logged) == 2, "one line for each of the two calls"
    assert logged[0]["trace_id"] == telemetry.trace_id()
    assert logged[0]["method"] == METHOD


async def test_every_call_leaves_one_line_with_its_caller(capsys: pytest.CaptureFixture[str]) -> None:
    async with echo(reverse) as service:
        await service.say(StringValue())
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    (line,) = [line for line in lines if line["event"] == "call"]
    assert (line["method"], line["status"], line["caller"]) == (METHOD, "OK", "tests")
    assert line["ms"] >= 0


async def test_a_handler_sees_less_time_than_its_caller_has() -> None:
    async def left(text: str, context: Context) -> str:
        return str(deadline.remaining())

    async with echo(left) as service:
        with deadline.within(0.5):
            inside = float((await service.say(StringValue())).value)
        outside = float((await service.say(StringValue())).value)
        shorter = float((await service.say(StringValue(), timeout=0.3)).value)
    assert 0.3 < inside < 0.5
    assert 1.5 < outside < client.DEFAULT_SECONDS + 0.02, "gRPC rounds up to 10 ms"
    assert shorter < 0.32


async def test_a_caller_without_a_deadline_is_given_one() -> None:
    async def left(text: str, context: Context) -> str:
        return str(deadline.remaining())

    async with echo(left) as service, grpc.aio.insecure_channel(service.target) as bare:
        assert 4 < float((await say(bare)(StringValue())).value) <= 5


async def test_no_call_is_made_when_no_time_is_left() -> None:
    asked: list[str] = []

    async def note(text: str, context: Context) -> str:
        asked.append(text)
        return text

    async with echo(note) as service:
        with deadline.within(0.01), pytest.raises(errors.DeadlineExceeded):
            await service.say(StringValue())
    assert asked == []


async def test_a_slow_handler_is_cancelled_at_its_callers_deadline() -> None:
    cancelled = asyncio.Event()

    async def hang(text: str, context: Context) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return text

    async with echo(hang) as service:
        with pytest.raises(errors.DeadlineExceeded):
            await service.say(StringValue(), timeout=0.1)
        async with asyncio.timeout(2):
            await cancelled.wait()


async def test_a_cancelled_caller_cancels_the_handler() -> None:
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def hang(text: str, context: Context) -> str:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return text

    async with echo(hang) as service, asyncio.timeout(5):
        calling = asyncio.ensure_future(service.say(StringValue()))
        await started.wait()
        calling.cancel()
        await cancelled.wait()


async def test_health_follows_the_checks() -> None:
    up = False

    async def check() -> None:
        if not up:
            raise ConnectionRefusedError

    async with echo(reverse, checks={"store": check}) as service, grpc.aio.insecure_channel(service.target) as bare:
        ask = bare.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )

        async def status(name: str) -> int:
            return (await ask(health_pb2.HealthCheckRequest(service=name))).status

        await service.process.readiness.probe()
        assert await status(NAME) == await status("") == health_pb2.HealthCheckResponse.NOT_SERVING
        assert (await service.say(StringValue(value="ab"))).value == "ba", "it serves what it can all the same"
        up = True
        await service.process.readiness.probe()
        assert await status(NAME) == await status("") == health_pb2.HealthCheckResponse.SERVING


async def test_a_call_in_flight_is_finished_before_the_server_stops() -> None:
    started, release = asyncio.Event(), asyncio.Event()

    async def wait(text: str, context: Context) -> str:
        started.set()
        await release.wait()
        return text

    async with AsyncExitStack() as outer:
        await outer.enter_async_context(asyncio.timeout(10))
        stack = AsyncExitStack()
        service = await stack.enter_async_context(echo(wait))
        other = await outer.enter_async_context(client.channel(service.target, service="echo"))
        calling = asyncio.ensure_future(say(other)(StringValue(value="kept")))
        await started.wait()
        stopping = asyncio.create_task(stack.aclose())
        async with asyncio.timeout(5):
            while service.process.readiness.ready:  # noqa: ASYNC110 nothing to wait on from outside
                await asyncio.sleep(0.01)
        assert not stopping.done()
        release.set()
        assert (await calling).value == "kept"
        await stopping
