import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import pytest
from kit.errors import Unavailable, from_exception
from kit.redis import open_redis
from kit.settings import RedisSettings
from kit.testing import MakeSettings
from redis.exceptions import RedisError


@asynccontextmanager
async def silent_server() -> AsyncGenerator[str]:
    """An address that takes connections and never answers."""

    async def never(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    try:
        yield f"redis://127.0.0.1:{server.sockets[0].getsockname()[1]}/0"
    finally:
        server.close()


async def test_answers_are_bytes(make_settings: MakeSettings, redis_url: str) -> None:
    async with open_redis(make_settings(RedisSettings, redis_url=redis_url)) as redis:
        await redis.set("name", "Ada")
        assert await redis.get("name") == b"Ada"


async def test_a_connection_that_broke_is_replaced(make_settings: MakeSettings, redis_url: str) -> None:
    async with open_redis(make_settings(RedisSettings, redis_url=redis_url)) as redis:
        await redis.set("name", "Ada")
        await redis.client_kill_filter(_id=str(await redis.client_id()), skipme=False)
        assert await redis.get("name") == b"Ada"


async def test_a_server_that_is_down_is_known_as_an_outage_and_does_not_stop_the_start(
    make_settings: MakeSettings,
) -> None:
    async with open_redis(make_settings(RedisSettings, redis_url="redis://127.0.0.1:1/0")) as redis:
        with pytest.raises(RedisError) as caught:
            await redis.ping()
        assert isinstance(from_exception(caught.value), Unavailable)


async def test_a_server_that_does_not_answer_is_given_up_after_half_a_second(make_settings: MakeSettings) -> None:
    async with silent_server() as url, open_redis(make_settings(RedisSettings, redis_url=url)) as redis:
        began = time.monotonic()
        with pytest.raises(RedisError) as caught:
            await redis.ping()
        assert 0.4 < time.monotonic() - began < 3
        assert isinstance(from_exception(caught.value), Unavailable)
