"""Where the stores are: those of the stack that runs here, or what variables name."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from devstack.faults import StackError
from devstack.processes import DATABASES, KEYSPACES, Setting

_NEEDED = (
    *(f"HELIOGRAPH_POSTGRES_DSN_{service.upper()}" for service in DATABASES),
    "HELIOGRAPH_REDIS_URL",
    "HELIOGRAPH_CASSANDRA_CONTACT_POINTS",
    "HELIOGRAPH_ELASTICSEARCH_URL",
    "HELIOGRAPH_S3_ENDPOINT",
    "HELIOGRAPH_S3_REGION",
    "HELIOGRAPH_S3_BUCKET",
    "HELIOGRAPH_S3_ACCESS_KEY",
    "HELIOGRAPH_S3_SECRET_KEY",
)


@dataclass(frozen=True)
class Stores:
    """`postgres` are DSNs by service; `s3` is what devstack.readiness.s3_client takes."""

    postgres: Mapping[str, str]
    redis_url: str
    cassandra: str
    keyspaces: Sequence[str]
    elasticsearch_url: str
    index: str
    s3: Mapping[str, str]
    bucket: str


def of_setting(setting: Setting) -> Stores:
    secrets, servers, names = setting.secrets, setting.servers, setting.names
    redis = secrets["redis_url"].rpartition("/")[0]
    return Stores(
        postgres={service: secrets[f"postgres_dsn_{service}"] for service in DATABASES},
        redis_url=f"{redis}/{names.redis_database}",
        cassandra=servers["HELIOGRAPH_CASSANDRA_CONTACT_POINTS"],
        keyspaces=[names.keyspaces + service for service in KEYSPACES],
        elasticsearch_url=servers["HELIOGRAPH_ELASTICSEARCH_URL"],
        index=names.index,
        s3=servers,
        bucket=names.bucket,
    )


def named() -> bool:
    """Whether variables name the stores."""
    return _NEEDED[0] in os.environ


def of_environment() -> Stores:
    """Raises StackError for variables that are missing."""
    told = os.environ
    if missing := [name for name in _NEEDED if not told.get(name)]:
        raise StackError(f"these variables are missing: {', '.join(missing)}")
    keyspaces = told.get("HELIOGRAPH_CASSANDRA_KEYSPACES", "heliograph_feed,heliograph_notify")
    return Stores(
        postgres={service: told[f"HELIOGRAPH_POSTGRES_DSN_{service.upper()}"] for service in DATABASES},
        redis_url=told["HELIOGRAPH_REDIS_URL"],
        cassandra=told["HELIOGRAPH_CASSANDRA_CONTACT_POINTS"].split(",")[0],
        keyspaces=keyspaces.split(","),
        elasticsearch_url=told["HELIOGRAPH_ELASTICSEARCH_URL"],
        index=told.get("HELIOGRAPH_SEARCH_INDEX_PREFIX", "heliograph"),
        s3=told,
        bucket=told["HELIOGRAPH_S3_BUCKET"],
    )
