"""Calls that go out in batches, over a real socket: each is as good as one that goes alone."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from kit import client, deadline, errors, telemetry
from kit.batches import MOST_CALLS
from kit.many import Batcher
from kit.server import Context
from prometheus_client import REGISTRY

from .echo import METHOD, Answer, Echo, Say, echo, say

SLOW_SECONDS = 1.0


@dataclass
class Batched:
    service: Echo
    batcher: Batcher
    say: Say

    async def __call__(self, text: str) -> str:
        return (await self.say(StringValue(value=text))).value


@asynccontextmanager
async def batched(answer: Answer, cap: int = 512) -> AsyncGenerator[Batched]:
    async with (
        echo(answer, max_concurrent_calls=cap) as service,
        client.channel(service.target, service="echo", caller="tests") as channel,
    ):
        batcher = Batcher(channel, service="echo")
        yield Batched(service, batcher, say(batcher.stubs))


async def reverse(text: str, _: Context) -> str:
    return text[::-1]


def batches() -> tuple[float, float]:
    """How many batches came, and how many calls in them."""
    count, total = (
        REGISTRY.get_sample_value(f"heliograph_rpc_server_batch_calls_{what}") or 0 for what in ("count", "sum")
    )
    return count, total


def series(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(f"heliograph_rpc_{name}", {"method": METHOD, **labels}) or 0


async def test_the_calls_of_one_tick_go_out_together_and_each_gets_its_own_answer() -> None:
    before = batches(), series("server_seconds_count", code="OK"), series("client_seconds_count", code="OK")
    async with batched(reverse) as ask:
        answers = await asyncio.gather(*(ask(f"{number:03}") for number in range(30)))
    assert answers == [f"{number:03}"[::-1] for number in range(30)]
    assert batches() == (before[0][0] + 1, before[0][1] + 30)
    assert series("server_seconds_count", code="OK") == before[1] + 30
    assert series("client_seconds_count", code="OK") == before[2] + 30


async def test_more_than_a_batch_holds_waits_for_the_first_two() -> None:
    before = batches()
    async with batched(reverse) as ask:
        await asyncio.gather(*(ask("ab") for _ in range(3 * MOST_CALLS + 1)))
    assert batches() == (before[0] + 4, before[1] + 3 * MOST_CALLS + 1)


async def test_a_slow_and_a_poisoned_call_do_no_harm_to_the_other_twenty_eight() -> None:
    async def mixed(text: str, _: Context) -> str:
        if text == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        elif text == "poison":
            raise RuntimeError("password=hunter2")
        return text

    alone = series("client_alone_total")
    async with batched(mixed) as ask:
        began = time.monotonic()
        slow, poison = asyncio.ensure_future(ask("slow")), asyncio.ensure_future(ask("poison"))
        others = await asyncio.gather(*(ask(str(number)) for number in range(28)))
        took = time.monotonic() - began
        assert others == [str(number) for number in range(28)]
        assert took < SLOW_SECONDS / 2, "they did not wait for the slow one"
        with pytest.raises(errors.Internal) as caught:
            await poison
        assert "hunter2" not in str(caught.value)
        assert await slow == "slow"
    assert series("client_alone_total") == alone + 1


async def test_a_fast_call_among_slow_ones_does_not_wait_for_them() -> None:
    async def mixed(text: str, _: Context) -> str:
        await asyncio.sleep(float(text))
        return text

    async with batched(mixed) as ask:
        slow = [asyncio.ensure_future(ask(str(SLOW_SECONDS))) for _ in range(5)]
        began = time.monotonic()
        await ask("0")
        assert time.monotonic() - began < SLOW_SECONDS / 2
        assert await asyncio.gather(*slow) == [str(SLOW_SECONDS)] * 5


async def test_calls_that_are_all_slow_stay_together() -> None:
    async def slow(text: str, _: Context) -> str:
        await asyncio.sleep(0.3)
        return text

    before, alone = batches(), series("client_alone_total")
    async with batched(slow) as ask:
        await asyncio.gather(*(ask("x") for _ in range(10)))
    assert batches() == (before[0] + 1, before[1] + 10)
    assert series("client_alone_total") == alone


async def test_batches_that_are_slow_give_their_places_to_others() -> None:
    release = asyncio.Event()

    async def mixed(text: str, _: Context) -> str:
        if text == "slow":
            await release.wait()
        return text

    async with batched(mixed) as ask:
        slow: list[asyncio.Future[str]] = []
        for _ in range(4):
            slow.append(asyncio.ensure_future(ask("slow")))
            await asyncio.sleep(0.005)
        async with asyncio.timeout(1.5):  # less than a call may take
            assert await ask("fast") == "fast"
        release.set()
        assert await asyncio.gather(*slow) == ["slow"] * 4


async def test_an_error_arrives_as_it_was_raised() -> None:
    async def fail(text: str, _: Context) -> str:
        fault = errors.FieldViolation("/caption", "too long")
        raise errors.InvalidArgument(text, "wrong", fields=[fault], metadata={"limit": "9"}, retry_after=1.5)

    async with batched(fail) as ask:
        first, second = await asyncio.gather(ask("ONE"), ask("TWO"), return_exceptions=True)
    assert isinstance(first, errors.InvalidArgument)
    assert isinstance(second, errors.InvalidArgument)
    assert (first.reason, second.reason) == ("ONE", "TWO")
    assert (first.metadata, first.retry_after) == ({"limit": "9"}, 1.5)
    assert first.fields == (errors.FieldViolation("/caption", "too long"),)


async def test_what_cannot_be_decoded_fails_alone() -> None:
    async with batched(reverse) as ask:
        bad, unknown, nested, good = await asyncio.gather(
            ask.batcher.ask(METHOD, b"\xff\xff"),
            ask.batcher.ask("/kit.test.Echo/Nothing", b""),
            ask.batcher.ask("/heliograph.batch.v1.BatchService/Many", b""),
            ask("ab"),
            return_exceptions=True,
        )
        with pytest.raises(errors.Internal):
            await ask.batcher.unary(METHOD, _broken)(StringValue())
    assert good == "ba"
    assert isinstance(bad, errors.Internal)
    assert isinstance(unknown, errors.Internal)
    assert isinstance(nested, errors.Internal)
    assert unknown.metadata["code"] == nested.metadata["code"] == "UNIMPLEMENTED"


def _broken(_: bytes) -> StringValue:
    return StringValue.FromString(b"\xff\xff")


async def test_the_time_of_a_call_runs_from_when_it_was_queued() -> None:
    async def left(text: str, _: Context) -> str:
        return str(deadline.remaining())

    async with batched(left) as ask:
        with deadline.within(0.5):
            inside = asyncio.ensure_future(ask(""))
            time.sleep(0.2)  # noqa: ASYNC251 the loop is busy while the call is queued
            seen = float(await inside)
        outside = float(await ask(""))
        shorter = float((await ask.say(StringValue(), timeout=0.3)).value)
    assert 0.1 < seen < 0.3
    assert 1.5 < outside < client.DEFAULT_SECONDS
    assert 0.1 < shorter < 0.3


async def test_a_call_without_time_is_not_made_and_one_whose_time_is_over_does_not_wait() -> None:
    asked: list[str] = []
    never = asyncio.Event()

    async def hang(text: str, _: Context) -> str:
        asked.append(text)
        await never.wait()
        return text

    async with batched(hang) as ask:
        with deadline.within(0.01), pytest.raises(errors.DeadlineExceeded):
            await ask("none")
        began = time.monotonic()
        other = asyncio.ensure_future(ask("longer"))
        with pytest.raises(errors.DeadlineExceeded):
            await ask.say(StringValue(value="short"), timeout=0.05)
        assert time.monotonic() - began < 0.3
        assert not other.done()
        never.set()
        assert await other == "longer"
    assert "none" not in asked


async def test_a_handler_is_cancelled_when_its_callers_time_is_over() -> None:
    cancelled = asyncio.Event()

    async def hang(text: str, _: Context) -> str:
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return text

    async with batched(hang) as ask:
        with pytest.raises(errors.DeadlineExceeded):
            await ask.say(StringValue(), timeout=0.05)
        async with asyncio.timeout(2):
            await cancelled.wait()


async def test_a_cancelled_caller_leaves_the_others_alone() -> None:
    async def pause(text: str, _: Context) -> str:
        await asyncio.sleep(0.02)
        return text

    async with batched(pause) as ask:
        calls = [asyncio.ensure_future(ask(str(number))) for number in range(3)]
        await asyncio.sleep(0.005)
        calls[1].cancel()
        assert await asyncio.gather(calls[0], calls[2]) == ["0", "2"]
        with pytest.raises(asyncio.CancelledError):
            await calls[1]


async def test_the_cap_holds_for_calls_in_batches_and_recovers() -> None:
    async with batched(reverse, cap=4) as ask:
        for _ in range(3):
            answers = await asyncio.gather(*(ask("ab") for _ in range(6)), return_exceptions=True)
            refused = [answer for answer in answers if isinstance(answer, errors.Unavailable)]
            assert [error.reason for error in refused] == ["OVERLOADED"] * 2
            assert answers.count("ba") == 4


async def test_a_service_that_is_gone_is_unavailable_to_each_and_the_breaker_opens() -> None:
    async with client.channel("127.0.0.1:1", service="missing") as channel:
        stub = say(Batcher(channel, service="missing").stubs)
        for _ in range(10):
            failed = await asyncio.gather(stub(StringValue()), stub(StringValue()), return_exceptions=True)
            assert [type(error) for error in failed] == [errors.Unavailable] * 2
            assert failed[0] is not failed[1]
        assert REGISTRY.get_sample_value("heliograph_breaker_state", {"service": "missing"}) == 2


async def test_a_server_without_batches_is_asked_one_by_one() -> None:
    async def plain(request: StringValue, _: Context) -> StringValue:
        return StringValue(value=request.value[::-1])

    server = grpc.aio.server()
    handler = grpc.unary_unary_rpc_method_handler(plain, StringValue.FromString, StringValue.SerializeToString)
    server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler("kit.test.Echo", {"Say": handler})])
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with client.channel(f"127.0.0.1:{port}", service="echo") as channel:
        stub = say(Batcher(channel, service="echo").stubs)
        answers = await asyncio.gather(*(stub(StringValue(value=text)) for text in ("ab", "cd")))
    await server.stop(0)
    assert [answer.value for answer in answers] == ["ba", "dc"]


async def test_answers_too_large_for_one_message_all_arrive() -> None:
    async def large(text: str, _: Context) -> str:
        return "x" * 3_000_000

    async with batched(large) as ask:
        answers = await asyncio.gather(*(ask("") for _ in range(8)))
    assert [len(answer) for answer in answers] == [3_000_000] * 8


async def test_success_is_not_logged_and_failure_is(capsys: pytest.CaptureFixture[str]) -> None:
    async def some(text: str, _: Context) -> str:
        if text == "bad":
            raise errors.NotFound("NOTHING", "nothing")
        return text

    async with batched(some) as ask:
        telemetry.begin()
        await asyncio.gather(ask("good"), ask("bad"), return_exceptions=True)
        trace_id = telemetry.trace_id()
    lines = [line for line in capsys.readouterr().out.splitlines() if '"event": "call"' in line]
    assert len(lines) == 1
    assert '"reason": "NOTHING"' in lines[0]
    assert '"caller": "tests"' in lines[0]
    assert trace_id
    assert trace_id in lines[0]
