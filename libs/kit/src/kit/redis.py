"""Redis by redis.asyncio: one pool, short timeouts. It holds only what can be rebuilt."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from opentelemetry.instrumentation.redis import RedisInstrumentor
from prometheus_client import Gauge
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import ConstantBackoff
from redis.exceptions import ConnectionError as RedisConnectionError

from kit import telemetry
from kit.settings import RedisSettings

SIZE = Gauge("heliograph_redis_pool_size", "Connections that the pool may have")
OPEN = Gauge("heliograph_redis_connections", "Connections that are open")
IN_USE = Gauge("heliograph_redis_connections_in_use", "Connections that somebody holds")

_SECONDS = 0.5
_CONNECTIONS = 32


@asynccontextmanager
async def open_redis(settings: RedisSettings) -> AsyncGenerator[Redis]:
    """A client with answers in bytes. Connects when first used. Each call takes at most half a second to connect and
    half a second to answer; a broken connection is tried once more, a late answer is not."""
    if telemetry.enabled() and not RedisInstrumentor().is_instrumented_by_opentelemetry:
        RedisInstrumentor().instrument()
    pool = BlockingConnectionPool.from_url(
        settings.redis_url.get_secret_value(),
        max_connections=_CONNECTIONS,
        timeout=_SECONDS,
        socket_timeout=_SECONDS,
        socket_connect_timeout=_SECONDS,
        socket_keepalive=True,
        retry=Retry(ConstantBackoff(0), 1, supported_errors=(RedisConnectionError,)),
    )
    _watch(pool)
    client = Redis.from_pool(pool)
    try:
        yield client
    finally:
        await client.aclose()


def _watch(pool: Any) -> None:
    """By names that the library keeps to itself: it shows a pool's state to its own metrics alone."""
    SIZE.set(_CONNECTIONS)
    OPEN.set_function(lambda: len(pool._in_use_connections) + len(pool._available_connections))
    IN_USE.set_function(lambda: len(pool._in_use_connections))
