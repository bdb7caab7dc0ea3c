"""What a caller meets when the callee is gone, broken or overloaded."""

import asyncio
import time

import grpc
import pytest
from google.protobuf.wrappers_pb2 import StringValue
from kit import client, errors
from kit.server import Context
from prometheus_client import REGISTRY

from .echo import echo, say


async def reverse(text: str, context: Context) -> str:
    return text[::-1]


async def test_a_server_that_cannot_be_reached_is_unavailable() -> None:
    async with client.channel("127.0.0.1:1", service="post") as channel:
        with pytest.raises(errors.Unavailable) as caught:
            await say(channel)(StringValue())
    assert (caught.value.reason, caught.value.retry_after) == ("POST_UNAVAILABLE", 1)


async def test_a_fault_of_the_network_is_tried_again() -> None:
    tries = 0

    async def second_time_lucky(text: str, context: Context) -> str:
        nonlocal tries
        tries += 1
        if tries == 1:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "as a broken connection looks to the caller")
        return text

    async with echo(second_time_lucky) as service:
        assert (await service.say(StringValue(value="x"))).value == "x"
    assert tries == 2


async def test_an_answer_of_unavailable_is_not_tried_again() -> None:
    tries = 0

    async def down(text: str, context: Context) -> str:
        nonlocal tries
        tries += 1
        raise errors.Unavailable("POSTGRES_UNAVAILABLE", "no database", retry_after=3)

    async with echo(down) as service:
        with pytest.raises(errors.Unavailable) as caught:
            await service.say(StringValue())
    assert (tries, caught.value.reason, caught.value.retry_after) == (1, "POSTGRES_UNAVAILABLE", 3)


async def test_retries_stop_when_their_budget_is_spent() -> None:
    tries = 0

    async def broken(text: str, context: Context) -> str:
        nonlocal tries
        tries += 1
        await context.abort(grpc.StatusCode.UNAVAILABLE, "as a broken connection looks to the caller")
        return text

    spent: list[int] = []
    async with echo(broken) as service:
        for _ in range(8):
            before = tries
            with pytest.raises(errors.Unavailable):
                await service.say(StringValue())
            spent.append(tries - before)
    assert spent[0] == 3
    assert spent[-3:] == [1, 1, 1]
    assert tries < 16


async def test_the_breaker_spares_a_service_that_is_gone_and_finds_it_again() -> None:
    async def state() -> float | None:
        return REGISTRY.get_sample_value("heliograph_breaker_state", {"service": "gone"})

    async with echo(reverse) as service:
        port = service.process.port
    async with client.channel(f"127.0.0.1:{port}", service="gone") as channel:
        for _ in range(10):
            with pytest.raises(errors.Unavailable):
                await say(channel)(StringValue())
        assert await state() == 2
        started = time.perf_counter()
        with pytest.raises(errors.Unavailable):
            await say(channel)(StringValue())
        assert time.perf_counter() - started < 0.05
        async with echo(reverse, listen=f"127.0.0.1:{port}"), asyncio.timeout(15):
            while await state() != 0:
                await asyncio.sleep(0.05)
                try:
                    await say(channel)(StringValue())
                except errors.Unavailable:
                    continue


async def test_more_calls_than_the_cap_are_refused_at_once_and_the_cap_recovers() -> None:
    release, full = asyncio.Event(), asyncio.Event()

    async def wait(text: str, context: Context) -> str:
        full.set()
        await release.wait()
        return text

    async with asyncio.timeout(5), echo(wait, max_concurrent_calls=1) as service:
        for _ in range(3):
            release.clear()
            full.clear()
            first = asyncio.ensure_future(service.say(StringValue(value="first")))
            await full.wait()
            with pytest.raises(errors.Unavailable) as caught:
                await service.say(StringValue())
            assert caught.value.reason == "OVERLOADED"
            release.set()
            assert (await first).value == "first"
