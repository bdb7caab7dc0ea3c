"""Is it ready? Real questions to real servers, each answered or NotReady within seconds."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, cast
from urllib.parse import urlsplit

import asyncpg
import boto3
import grpc
import httpx
import redis.asyncio
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from cassandra import DriverException
from cassandra.cluster import Cluster, NoHostAvailable
from grpc_health.v1 import health_pb2, health_pb2_grpc

TIMEOUT = 5

Settings = Mapping[str, str]
Check = Callable[[Settings], Awaitable[None]]


class NotReady(Exception):
    """It does not answer yet, or not as it should."""


async def postgres(settings: Settings) -> None:
    try:
        connection = await asyncpg.connect(settings["HELIOGRAPH_POSTGRES_ADMIN_DSN"], timeout=TIMEOUT)
        try:
            await connection.fetchval("SELECT 1", timeout=TIMEOUT)
        finally:
            await connection.close(timeout=TIMEOUT)
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise NotReady(str(error)) from error


async def redis_(settings: Settings) -> None:
    client = redis.asyncio.Redis.from_url(settings["HELIOGRAPH_REDIS_URL"], socket_timeout=TIMEOUT)
    try:
        await client.ping()
    except (OSError, redis.RedisError) as error:
        raise NotReady(str(error)) from error
    finally:
        await client.aclose()


async def kafka(settings: Settings) -> None:
    address = settings["HELIOGRAPH_KAFKA_BOOTSTRAP"]
    await port(address)
    client = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=int(TIMEOUT * 1000))
    try:
        await client.start()
        await client.describe_cluster()
    except (OSError, KafkaError) as error:
        raise NotReady(str(error)) from error
    finally:
        await client.close()


async def cassandra(settings: Settings) -> None:
    address = settings["HELIOGRAPH_CASSANDRA_CONTACT_POINTS"]
    await port(address)
    await asyncio.to_thread(_cassandra, address, settings["HELIOGRAPH_CASSANDRA_LOCAL_DC"])


def _cassandra(address: str, datacenter: str) -> None:
    with cassandra_cluster(address) as cluster:
        try:
            query = "SELECT data_center FROM system.local"
            row = cast("Any", cluster.connect().execute(query, timeout=TIMEOUT).one())
        except (NoHostAvailable, DriverException, OSError) as error:
            raise NotReady(str(error)) from error
        if row is None or row.data_center != datacenter:
            raise NotReady("its data center is not known yet")


def cassandra_cluster(address: str) -> Cluster:
    from cassandra.policies import DCAwareRoundRobinPolicy

    host, _, number = address.partition(":")
    return Cluster(
        [host],
        port=int(number),
        protocol_version=5,
        connect_timeout=TIMEOUT,
        load_balancing_policy=DCAwareRoundRobinPolicy(local_dc="datacenter1"),
    )


async def elasticsearch(settings: Settings) -> None:
    url = settings["HELIOGRAPH_ELASTICSEARCH_URL"] + "/_cluster/health?wait_for_status=yellow&timeout=2s"
    answer = await _get(url)
    if answer.status_code != 200:
        raise NotReady(f"cluster health answers {answer.status_code}")


async def s3(settings: Settings) -> None:
    await port(settings["HELIOGRAPH_S3_ENDPOINT"].rpartition("/")[2])
    await asyncio.to_thread(_s3, settings)


def _s3(settings: Settings) -> None:
    try:
        s3_client(settings).list_buckets()
    except (BotoCoreError, ClientError) as error:
        raise NotReady(str(error)) from error


def s3_client(settings: Settings) -> Any:
    return boto3.client(
        "s3",
        endpoint_url=settings["HELIOGRAPH_S3_ENDPOINT"],
        region_name=settings["HELIOGRAPH_S3_REGION"],
        aws_access_key_id=settings["HELIOGRAPH_S3_ACCESS_KEY"],
        aws_secret_access_key=settings["HELIOGRAPH_S3_SECRET_KEY"],
        config=Config(connect_timeout=TIMEOUT, read_timeout=TIMEOUT, retries={"total_max_attempts": 1}),
    )


async def port(address: str) -> None:
    """Cheap first question: drivers are slow and loud about a closed port."""
    host, _, number = address.partition(":")
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(host, int(number)), TIMEOUT)
    except (OSError, TimeoutError) as error:
        raise NotReady(f"nothing listens on {address}") from error
    writer.close()


async def _get(url: str) -> httpx.Response:
    await port(urlsplit(url).netloc)
    try:
        # Certificates are not loaded for a plain address that is asked several times a second.
        async with httpx.AsyncClient(timeout=TIMEOUT, trust_env=False, verify=False) as client:  # noqa: S501 only whether it answers
            return await client.get(url)
    except httpx.HTTPError as error:
        raise NotReady(f"{url}: {error}") from error


async def grpc_serving(address: str) -> None:
    """The standard health service says SERVING for the whole server."""
    async with grpc.aio.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        try:
            health = cast("Any", health_pb2_grpc.HealthStub(channel))  # its stubs know no methods
            answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=TIMEOUT)
        except grpc.aio.AioRpcError as error:
            raise NotReady(f"{address}: {error.code().name}") from error
    if answer.status != health_pb2.HealthCheckResponse.SERVING:
        raise NotReady(f"{address} is not serving yet")


async def http_ready(url: str) -> None:
    answer = await _get(url)
    if answer.status_code != 200:
        raise NotReady(f"{url} answers {answer.status_code}: {answer.text[:200]}")


async def answers(url: str) -> None:
    """Anything but a gateway error: there is a server, and what is behind it."""
    answer = await _get(url)
    if answer.status_code >= 500:
        raise NotReady(f"{url} answers {answer.status_code}")


SERVERS: Mapping[str, Check] = {
    "postgres": postgres,
    "redis": redis_,
    "kafka": kafka,
    "cassandra": cassandra,
    "elasticsearch": elasticsearch,
    "s3": s3,
}
