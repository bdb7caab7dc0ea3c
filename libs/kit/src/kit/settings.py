"""Typed settings of a process: HELIOGRAPH_* variables, or files of that name in lower case in HELIOGRAPH_SECRETS_DIR.

A service's settings class inherits the mixins that it needs. Secrets are SecretStr and have no default.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BeforeValidator, Field, FilePath, SecretStr, ValidationError
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

PREFIX = "HELIOGRAPH_"
SECRETS_DIR = "HELIOGRAPH_SECRETS_DIR"
EXIT_BAD_CONFIG = 78  # EX_CONFIG of sysexits.h


class BadSettings(Exception):
    """Settings that a process cannot start with: one plain line a fault, values never shown."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


HostPort = Annotated[str, Field(pattern=r"^[^\s,]+:\d{1,5}$")]
CommaSeparated = (NoDecode, BeforeValidator(_split))


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)


class ProcessSettings(Settings):
    """What every process reads. `listen` is None in workers; without `ops_listen` there is no ops server.

    `tls_dir`: see kit.certificates; without it gRPC is plaintext. `allowed_callers` go in place of the service's own
    rules, for each of its methods. `probe_listen` is plaintext and answers gRPC health alone.
    """

    listen: HostPort | None = None
    ops_listen: HostPort | None = None
    probe_listen: HostPort | None = None
    tls_dir: Path | None = None
    allowed_callers: Annotated[tuple[str, ...] | None, *CommaSeparated] = None
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    otlp_endpoint: str | None = None
    trace_sample_ratio: float = Field(default=0.01, ge=0, le=1)
    shutdown_grace_seconds: float = Field(default=20, ge=0)
    max_concurrent_calls: int = Field(default=512, ge=1)
    revision: str = Field(default="", max_length=64)


class PostgresSettings(Settings):
    postgres_dsn: SecretStr
    postgres_replica_dsns: Annotated[tuple[SecretStr, ...], *CommaSeparated] = ()
    postgres_pool_size: int = Field(default=10, ge=1)


class RedisSettings(Settings):
    redis_url: SecretStr


class KafkaSettings(Settings):
    """`kafka_bootstrap` is host:port, comma separated. Name and password go with the SASL kinds of security; the files
    are PEM: authorities instead of the system's, and what is shown to brokers that ask for a certificate."""

    kafka_bootstrap: str
    topic_prefix: str = "heliograph."
    kafka_security: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_username: SecretStr = SecretStr("")
    kafka_password: SecretStr = SecretStr("")
    kafka_ca_file: FilePath | None = None
    kafka_cert_file: FilePath | None = None
    kafka_key_file: FilePath | None = None


class CassandraSettings(Settings):
    """With `cassandra_tls` nodes must have a certificate of the authorities in `cassandra_ca_file`, or of the system's;
    names are not compared, since nodes tell each other's addresses, which certificates hardly ever name."""

    cassandra_contact_points: Annotated[tuple[HostPort, ...], Field(min_length=1), *CommaSeparated]
    cassandra_keyspace: str = Field(pattern=r"^[a-z][a-z0-9_]{0,47}$")
    cassandra_local_dc: str = "datacenter1"
    cassandra_replication: str = "{'class': 'SimpleStrategy', 'replication_factor': 1}"
    cassandra_consistency: Literal["LOCAL_QUORUM", "LOCAL_ONE", "QUORUM", "ONE"] = "LOCAL_QUORUM"
    cassandra_username: SecretStr = SecretStr("")
    cassandra_password: SecretStr = SecretStr("")
    cassandra_tls: bool = False
    cassandra_ca_file: FilePath | None = None


class ElasticsearchSettings(Settings):
    """Either `elasticsearch_api_key` or name and password, where it asks for any."""

    elasticsearch_url: str
    search_index_prefix: str = "heliograph"
    elasticsearch_username: SecretStr = SecretStr("")
    elasticsearch_password: SecretStr = SecretStr("")
    elasticsearch_api_key: SecretStr = SecretStr("")
    elasticsearch_ca_file: FilePath | None = None

    @property
    def elasticsearch_access(self) -> dict[str, Any]:
        """What its client takes beside the address."""
        told: dict[str, Any] = {}
        if key := self.elasticsearch_api_key.get_secret_value():
            told["api_key"] = key
        elif name := self.elasticsearch_username.get_secret_value():
            told["basic_auth"] = (name, self.elasticsearch_password.get_secret_value())
        return told | ({"ca_certs": str(self.elasticsearch_ca_file)} if self.elasticsearch_ca_file else {})


class S3Settings(Settings):
    """`s3_public_endpoint` is what clients reach; None means s3_endpoint."""

    s3_endpoint: str
    s3_public_endpoint: str | None = None
    s3_bucket: str
    s3_region: str
    s3_access_key: SecretStr
    s3_secret_key: SecretStr


T = TypeVar("T", bound=BaseSettings)


def read(cls: type[T], **known: Any) -> T:
    """Settings from the environment, but for those that are known already. Raises BadSettings."""
    folder = os.environ.get(SECRETS_DIR)
    if folder and not Path(folder).is_dir():
        raise BadSettings([f"{SECRETS_DIR}: there is no such folder"])
    try:
        return cls(_secrets_dir=folder, **known)
    except ValidationError as error:
        raise BadSettings([_line(dict(fault)) for fault in error.errors(include_input=False)]) from None


def load(cls: type[T]) -> T:
    """Settings from the environment; a fault ends the process with status 78 and one line a fault on stderr."""
    try:
        return read(cls)
    except BadSettings as error:
        sys.exit(report(error))


def report(error: BadSettings) -> int:
    """Writes the faults to stderr, one a line, and answers the exit status to end with."""
    sys.stderr.write("".join(f"bad settings: {fault}\n" for fault in error.faults))
    return EXIT_BAD_CONFIG


def _line(fault: dict[str, Any]) -> str:
    name = PREFIX + str(fault["loc"][0]).upper() if fault["loc"] else "settings"
    return f"{name} is missing" if fault["type"] == "missing" else f"{name}: {fault['msg']}"
