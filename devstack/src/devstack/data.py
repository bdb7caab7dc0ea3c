"""What must be on the servers before our processes start: a database and role for each service, the bucket, topics."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import redis.asyncio
import yaml
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, NewTopic
from botocore.exceptions import ClientError

from devstack.faults import StackError
from devstack.names import Names
from devstack.readiness import Settings, cassandra_cluster, s3_client

PREFIX = "heliograph."


@dataclass(frozen=True)
class Topic:
    name: str
    partitions: int
    config: Mapping[str, str]


def dsn(admin_dsn: str, database: str, password: str) -> str:
    """The address by which the role that owns `database`, and is called like it, reaches it."""
    parts = urlsplit(admin_dsn)
    return urlunsplit(
        parts._replace(netloc=f"{database}:{password}@{parts.hostname}:{parts.port}", path=f"/{database}")
    )


async def make_databases(admin_dsn: str, passwords: Mapping[str, str]) -> None:
    """`passwords` by database name. A role owns its database and may enter no other. Idempotent."""
    connection = await asyncpg.connect(admin_dsn)
    try:
        for database, password in passwords.items():
            await _make_database(connection, database, password)
    finally:
        await connection.close()


async def _make_database(connection: "asyncpg.Connection[asyncpg.Record]", database: str, password: str) -> None:
    # Names and passwords are ours, made of letters, digits and underscores.
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", database):
        await connection.execute(f'CREATE ROLE "{database}" LOGIN')
    await connection.execute(f"ALTER ROLE \"{database}\" PASSWORD '{password}'")
    if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database):
        await connection.execute(f'CREATE DATABASE "{database}" OWNER "{database}"')
        await connection.execute(f'REVOKE ALL ON DATABASE "{database}" FROM PUBLIC')


async def make_bucket(settings: Settings, bucket: str) -> None:
    def make() -> None:
        try:
            s3_client(settings).create_bucket(Bucket=bucket)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") not in ("BucketAlreadyOwnedByYou", "BucketAlreadyExists"):
                raise

    await asyncio.to_thread(make)


def topics(file: Path, names: Names) -> list[Topic]:
    """The topics of deploy/topics.yaml with this stack's prefix. Raises StackError when it cannot be read."""
    try:
        return [_topic(entry, names) for entry in yaml.safe_load(file.read_text())["topics"]]
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise StackError(f"{file} is not a list of topics: {error!r}") from error


def _topic(entry: Mapping[str, object], names: Names) -> Topic:
    config = {"cleanup.policy": str(entry["cleanup"]), "retention.ms": str(entry["retention_ms"])}
    name = names.topics + str(entry["name"]).removeprefix(PREFIX)
    return Topic(name, int(str(entry["partitions"])), config)


async def make_topics(bootstrap: str, wanted: Sequence[Topic]) -> None:
    """Makes what is missing and adds partitions where there are fewer. Idempotent."""
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        there = set(await client.list_topics())
        new = [NewTopic(topic.name, topic.partitions, 1, topic_configs=dict(topic.config))
               for topic in wanted if topic.name not in there]  # fmt: skip
        if new:
            _refuse_errors(await client.create_topics(new))
        known = {topic["topic"]: len(topic["partitions"]) for topic in await client.describe_topics(sorted(there))}
        grown = {topic.name: NewPartitions(topic.partitions)
                 for topic in wanted if known.get(topic.name, topic.partitions) < topic.partitions}  # fmt: skip
        if grown:
            await client.create_partitions(grown)
    finally:
        await client.close()


def _refuse_errors(answer: object) -> None:
    already_exists = 36
    for name, code, *rest in getattr(answer, "topic_errors", ()):
        if code not in (0, already_exists):
            raise StackError(f"Kafka does not make topic {name}: {rest[0] if rest else code}")


def password_of(address: str) -> str:
    return urlsplit(address).password or ""


async def drop(settings: Settings, names: Names) -> None:
    """Drop what `names` names in Postgres, Kafka, Cassandra and Redis; bucket and indices go with their servers."""
    await _drop_databases(settings["HELIOGRAPH_POSTGRES_ADMIN_DSN"], names.databases)
    await _drop_topics(settings["HELIOGRAPH_KAFKA_BOOTSTRAP"], names.topics)
    await asyncio.to_thread(_drop_keyspaces, settings, names.keyspaces)
    await flush_redis(settings, names.redis_database)


async def _drop_databases(admin_dsn: str, prefix: str) -> None:
    connection = await asyncpg.connect(admin_dsn)
    try:
        found = await connection.fetch("SELECT datname FROM pg_database WHERE starts_with(datname, $1)", prefix)
        for row in found:
            await connection.execute(f'DROP DATABASE "{row["datname"]}" WITH (FORCE)')
            await connection.execute(f'DROP ROLE IF EXISTS "{row["datname"]}"')
    finally:
        await connection.close()


async def _drop_topics(bootstrap: str, prefix: str) -> None:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await client.start()
    try:
        await client.delete_topics([name for name in await client.list_topics() if name.startswith(prefix)])
    finally:
        await client.close()


def _drop_keyspaces(settings: Settings, prefix: str) -> None:
    with cassandra_cluster(settings["HELIOGRAPH_CASSANDRA_CONTACT_POINTS"]) as cluster:
        session = cluster.connect()
        known = cast("dict[str, object]", cast("Any", cluster.metadata).keyspaces)
        for name in [name for name in known if name.startswith(prefix)]:
            session.execute(f'DROP KEYSPACE "{name}"', timeout=60)


async def flush_redis(settings: Settings, database: int) -> None:
    client = redis.asyncio.Redis.from_url(settings["HELIOGRAPH_REDIS_URL"], db=database)
    try:
        await client.flushdb()
    finally:
        await client.aclose()
