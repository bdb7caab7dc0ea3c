"""Cassandra clusters, and their migrations: numbered .cql files, each applied once. Services import kit.cassandra."""

import logging
import ssl
import time
import uuid
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeAlias

import cassandra
from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import DCAwareRoundRobinPolicy, ExponentialReconnectionPolicy, TokenAwarePolicy

from kit.settings import CassandraSettings

Session: TypeAlias = Any  # the driver has no types

_LEASE_SECONDS = 120
_PAUSE = 0.5
_CONNECT_SECONDS = 5
_RETRY_SECONDS = (0.5, 5.0)  # the first pause, and the longest
_HEARTBEAT_SECONDS = 5
_FOR_EVER: Any = None  # the driver says int, and means this too


def cluster_of(settings: CassandraSettings, seconds: float) -> Any:
    # Every unlogged batch over partitions makes the server warn, and the driver log it, with each answer.
    logging.getLogger("cassandra.protocol").setLevel(logging.ERROR)
    profile = ExecutionProfile(
        load_balancing_policy=TokenAwarePolicy(DCAwareRoundRobinPolicy(settings.cassandra_local_dc)),
        consistency_level=getattr(cassandra.ConsistencyLevel, settings.cassandra_consistency),
        request_timeout=seconds,
    )
    points = [point.rsplit(":", 1) for point in settings.cassandra_contact_points]
    return Cluster(
        contact_points=[(host, int(port)) for host, port in points],
        port=int(points[0][1]),
        protocol_version=4,
        compression=False,
        auth_provider=_login(settings),
        ssl_context=_tls(settings) if settings.cassandra_tls else None,
        connect_timeout=_CONNECT_SECONDS,
        control_connection_timeout=_CONNECT_SECONDS,
        # A connection that nobody serves any more looks like one that is idle.
        idle_heartbeat_interval=_HEARTBEAT_SECONDS,
        idle_heartbeat_timeout=_HEARTBEAT_SECONDS,
        # The driver's own pauses grow to ten minutes, and it gives a node up for ever after 64 of them.
        reconnection_policy=ExponentialReconnectionPolicy(*_RETRY_SECONDS, max_attempts=_FOR_EVER),
        execution_profiles={EXEC_PROFILE_DEFAULT: profile},
    )


def _login(settings: CassandraSettings) -> Any:
    name = settings.cassandra_username.get_secret_value()
    return PlainTextAuthProvider(name, settings.cassandra_password.get_secret_value()) if name else None


def _tls(settings: CassandraSettings) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=settings.cassandra_ca_file)
    context.check_hostname = False
    return context


@contextmanager
def blocking_session(settings: CassandraSettings, *, seconds: float = 60.0) -> Generator[Session]:
    """A session without a keyspace, for schema changes outside an event loop."""
    cluster = cluster_of(settings, seconds)
    try:
        yield cluster.connect()
    finally:
        cluster.shutdown()


def migrate(settings: CassandraSettings, folder: Path) -> None:
    """Makes the keyspace and applies what is new in the folder, in the order of the names. Statements end with `;` and
    must bear being repeated (`if not exists`): a run that died in the middle of a file starts it again. Safe to run at
    the same time as another one, and beside running processes."""
    with blocking_session(settings) as session:
        session.execute(
            f"create keyspace if not exists {settings.cassandra_keyspace}"
            f" with replication = {settings.cassandra_replication}"
        )
        session.set_keyspace(settings.cassandra_keyspace)
        session.execute("create table if not exists schema_version (name text primary key, applied_at timestamp)")
        session.execute("create table if not exists schema_lease (id text primary key, owner uuid)")
        owner = uuid.uuid4()
        while not _lease(session, owner):
            time.sleep(_PAUSE)
        try:
            _apply_new(session, folder)
        finally:
            session.execute("delete from schema_lease where id = 'migrate' if owner = %s", (owner,))


def statements(script: str) -> list[str]:
    """Without comments and empty ones; a string must hold no `;` and no `--`."""
    code = "\n".join(line.split("--", 1)[0] for line in script.splitlines())
    return [statement.strip() for statement in code.split(";") if statement.strip()]


def _lease(session: Session, owner: uuid.UUID) -> bool:
    query = "insert into schema_lease (id, owner) values ('migrate', %s) if not exists using ttl %s"
    return bool(session.execute(query, (owner, _LEASE_SECONDS)).was_applied)


def _apply_new(session: Session, folder: Path) -> None:
    applied = {row.name for row in session.execute("select name from schema_version")}
    for file in sorted(folder.glob("*.cql")):
        if file.name in applied:
            continue
        for statement in statements(file.read_text()):
            session.execute(statement)
        session.execute("insert into schema_version (name, applied_at) values (%s, toTimestamp(now()))", (file.name,))
