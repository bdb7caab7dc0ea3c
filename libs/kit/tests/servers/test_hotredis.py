"""The hot client on a real server, and on one that misbehaves."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

import pytest
import pytest_asyncio
from kit.errors import Unavailable, from_exception
from kit.hotredis import HotRedis, open_hot_redis
from kit.redis import open_redis
from kit.settings import RedisSettings
from kit.testing import MakeSettings
from redis import exceptions
from redis.asyncio import Redis

ECHO = "return {KEYS[1], ARGV[1]}"


@pytest_asyncio.fixture
async def hot(make_settings: MakeSettings, redis_url: str) -> AsyncGenerator[HotRedis]:
    async with open_hot_redis(make_settings(RedisSettings, redis_url=redis_url)) as hot:
        yield hot


@pytest_asyncio.fixture
async def redis(make_settings: MakeSettings, redis_url: str) -> AsyncGenerator[Redis]:
    async with open_redis(make_settings(RedisSettings, redis_url=redis_url)) as redis:
        yield redis


class Fake:
    """A server of which a test says what it answers to the number of commands seen so far; None: nothing."""

    def __init__(self, answer: Callable[[int], bytes | None]) -> None:
        self._answer = answer
        self.connections, self.commands, self.reads = 0, 0, list[bytes]()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        while content := await reader.read(65536):
            self.reads.append(content)
            for _ in range(content.count(b"*")):
                self.commands += 1
                if (answer := self._answer(self.commands)) is not None:
                    writer.write(answer)
        writer.close()


@asynccontextmanager
async def fake(answer: Callable[[int], bytes | None]) -> AsyncGenerator[tuple[Fake, str]]:
    made = Fake(answer)
    server = await asyncio.start_server(made.serve, "127.0.0.1", 0)
    yield made, f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    server.close()


def at(url: str) -> RedisSettings:
    return RedisSettings.model_validate({"redis_url": url})


async def answered(hot: HotRedis, command: str) -> object:
    """The answer once there is a connection again."""
    async with asyncio.timeout(5):
        while True:
            try:
                return await hot.execute(command)
            except exceptions.ConnectionError:
                await asyncio.sleep(0.01)


async def test_answers_come_in_the_order_of_their_commands(hot: HotRedis) -> None:
    asked = [hot.execute("ECHO", str(number)) for number in range(500)]
    assert await asyncio.gather(*asked) == [str(number).encode() for number in range(500)]
    assert await hot.execute("SET", "number", 7) == b"OK"
    assert await hot.execute("INCRBY", "number", 2) == 9
    assert await hot.execute("GET", "missing") is None
    assert await hot.execute("MGET", "number", "missing") == [b"9", None]


async def test_commands_of_one_tick_go_out_in_one_write() -> None:
    async with (
        fake(lambda _: b":1\r\n") as (server, url),
        open_hot_redis(at(url)) as hot,
    ):
        await hot.execute("PING")
        server.reads.clear()
        await asyncio.gather(*(hot.execute("PING") for _ in range(20)))
    assert len(server.reads) == 1
    assert server.connections == 1


async def test_it_speaks_to_the_database_and_with_the_password_of_the_url(hot: HotRedis, redis: Redis) -> None:
    await hot.execute("SET", "where", "here")
    assert await redis.get("where") == b"here"


async def test_a_wrong_password_is_an_outage_and_a_wrong_command_is_none(
    hot: HotRedis, make_settings: MakeSettings, redis_url: str
) -> None:
    wrong = redis_url.replace(":@", ":x@") if ":@" in redis_url else redis_url.replace("://:", "://:x")
    async with open_hot_redis(make_settings(RedisSettings, redis_url=wrong)) as other:
        with pytest.raises(exceptions.ConnectionError) as caught:
            await other.execute("PING")
        assert isinstance(from_exception(caught.value), Unavailable)
    good, bad, more = await asyncio.gather(
        hot.execute("PING"), hot.execute("NOSUCH"), hot.execute("PING"), return_exceptions=True
    )
    assert (good, more) == (b"PONG", b"PONG")
    assert isinstance(bad, exceptions.ResponseError)
    assert from_exception(bad) is None


async def test_a_script_loads_itself_also_after_a_flush(hot: HotRedis) -> None:
    script = hot.register_script(ECHO)
    for _ in range(2):
        answers = await asyncio.gather(*(script(keys=["a"], args=[number]) for number in range(20)))
        assert answers == [[b"a", str(number).encode()] for number in range(20)]
        await hot.execute("SCRIPT", "FLUSH")


async def test_a_script_that_fails_says_so(hot: HotRedis) -> None:
    with pytest.raises(exceptions.ResponseError):
        await hot.register_script("return redis.call('INCR')")()


async def test_a_connection_that_was_killed_is_replaced_and_what_was_on_its_way_is_sent_again(
    hot: HotRedis, redis: Redis
) -> None:
    await hot.execute("SET", "name", "Ada")
    for _ in range(3):
        await redis.client_kill_filter(_id=str(await hot.execute("CLIENT", "ID")))
        assert await asyncio.gather(*(hot.execute("GET", "name") for _ in range(10))) == [b"Ada"] * 10
    killed = asyncio.gather(
        hot.execute("CLIENT", "KILL", "ID", await hot.execute("CLIENT", "ID"), "SKIPME", "no"),
        *(hot.execute("GET", "name") for _ in range(5)),
    )
    assert (await killed)[1:] == [b"Ada"] * 5


async def test_big_answers_arrive_whole(make_settings: MakeSettings, redis_url: str) -> None:
    async with open_hot_redis(make_settings(RedisSettings, redis_url=redis_url), seconds=10) as hot:
        await hot.execute("SET", "big", b"x" * 5_000_000)
        big, small = await asyncio.gather(hot.execute("GET", "big"), hot.execute("ECHO", "small"))
    assert (len(big), small) == (5_000_000, b"small")


async def test_a_cancelled_caller_does_not_shift_the_answers(hot: HotRedis) -> None:
    asked = [hot.execute("ECHO", str(number)) for number in range(10)]
    asked[3].cancel()
    await asyncio.sleep(0)
    asked[7].cancel()
    left = [answer for place, answer in enumerate(asked) if place not in (3, 7)]
    assert await asyncio.gather(*left) == [str(number).encode() for number in range(10) if number not in (3, 7)]
    assert await hot.execute("ECHO", "next") == b"next"


async def test_a_late_answer_ends_the_connection_and_is_given_to_nobody() -> None:
    async with (
        fake(lambda number: None if number in (2, 3) else b":%d\r\n" % number) as (server, url),
        open_hot_redis(at(url), seconds=0.2) as hot,
    ):
        assert await hot.execute("ONE") == 1
        began = time.monotonic()
        late = await asyncio.gather(hot.execute("TWO"), hot.execute("THREE"), return_exceptions=True)
        assert 0.1 < time.monotonic() - began < 1
        assert [type(error) for error in late] == [exceptions.TimeoutError] * 2
        assert await answered(hot, "FOUR") == 4
    assert server.connections == 2


async def test_while_redis_is_away_commands_fail_fast_and_it_is_found_again() -> None:
    async with fake(lambda _: b":1\r\n") as (_, url):
        pass
    async with open_hot_redis(at(url)) as hot:
        began = time.monotonic()
        for _ in range(20):
            with pytest.raises(exceptions.ConnectionError) as caught:
                await hot.execute("PING")
            assert isinstance(from_exception(caught.value), Unavailable)
        assert time.monotonic() - began < 1
        server = await asyncio.start_server(Fake(lambda _: b":1\r\n").serve, "127.0.0.1", int(url.split(":")[2][:-2]))
        assert await answered(hot, "PING") == 1
        server.close()


async def test_a_server_that_takes_connections_and_says_nothing_is_given_up() -> None:
    async with fake(lambda _: None) as (_, url), open_hot_redis(at(url), seconds=0.2) as hot:
        began = time.monotonic()
        with pytest.raises(exceptions.TimeoutError):
            await hot.execute("PING")
        assert time.monotonic() - began < 1


async def test_what_is_no_answer_of_redis_ends_the_connection() -> None:
    async with fake(lambda _: b"HTTP/1.1 400 Bad Request\r\n\r\n") as (_, url), open_hot_redis(at(url)) as hot:
        with pytest.raises(exceptions.ConnectionError):
            await hot.execute("PING")


async def test_closing_fails_what_is_left(make_settings: MakeSettings, redis_url: str) -> None:
    async with open_hot_redis(make_settings(RedisSettings, redis_url=redis_url)) as hot:
        await hot.execute("PING")
        left = hot.execute("PING")
        await asyncio.sleep(0)
    with pytest.raises(exceptions.ConnectionError):
        await left
    with pytest.raises(exceptions.ConnectionError):
        await hot.execute("PING")


async def test_a_call_that_is_packed_once_is_made_as_often_as_one_likes(hot: HotRedis, redis: Redis):
    count = hot.register_script("return redis.call('INCRBY', KEYS[1], ARGV[1])").packed(keys=["packed"], args=[2])
    assert await asyncio.gather(count(), count()) == [2, 4]
    await redis.script_flush()
    assert await count() == 6
