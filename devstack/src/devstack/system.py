"""The steps from answering servers to Heliograph being ready: data, migrations, token keys, processes."""

import asyncio
import secrets
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

from devstack import bringup, data, processes, readiness
from devstack.bringup import Step
from devstack.processes import DATABASES, MAIL, SERVICES, TABLE, Process, Setting
from devstack.supervision import Supervision
from devstack.unit import Unit

TOPICS = Path(__file__).parents[3] / "deploy/topics.yaml"
COMMON_STORES = ("redis", "kafka")


def make_secrets(servers: Mapping[str, str], database_prefix: str, secret: Callable[[str], str]) -> dict[str, str]:
    """What processes.Setting wants as secrets; `secret` answers the same random text for the same name."""
    admin = servers["HELIOGRAPH_POSTGRES_ADMIN_DSN"]
    dsns = {
        f"postgres_dsn_{service}": data.dsn(admin, database_prefix + service, secret(f"postgres_{service}"))
        for service in DATABASES
    }
    return dsns | {
        "redis_url": servers["HELIOGRAPH_REDIS_URL"],
        "s3_access_key": servers["HELIOGRAPH_S3_ACCESS_KEY"],
        "s3_secret_key": servers["HELIOGRAPH_S3_SECRET_KEY"],
        "cursor_key": secret("cursor_key"),
        "media_url_key": secret("media_url_key"),
        "factor_keys": secret("factor_keys"),
    }


def units(setting: Setting, table: Sequence[Process] = TABLE) -> list[Unit]:
    return [processes.unit(process, setting) for process in table]


def steps(
    setting: Setting, supervision: Supervision, servers: Sequence[str], table: Sequence[Process] = TABLE
) -> list[Step]:
    """`servers` are the steps of this run that start a server; the others answer already."""

    def after(*names: str) -> list[str]:
        return [name for name in names if name in servers]

    found = [
        Step("make databases", partial(make_databases, setting), after("postgres")),
        Step("make the bucket", partial(data.make_bucket, setting.servers, setting.names.bucket), after("s3")),
        Step("make topics", partial(make_topics, setting), after("kafka")),
        Step("make token keys", partial(_command, setting, supervision, "user", "keys")),
    ]
    found += [_migration(setting, supervision, service, after) for service in SERVICES]
    found += [_start(setting, supervision, process, after) for process in table]
    return found


def _migration(setting: Setting, supervision: Supervision, service: str, after: Callable[..., list[str]]) -> Step:
    stores = {store for process in TABLE if process.service == service for store in process.stores}
    needed = after(*sorted(stores)) + (["make databases"] if "postgres" in stores else [])
    return Step(f"migrate {service}", partial(_command, setting, supervision, service, "migrate"), needed)


def _start(setting: Setting, supervision: Supervision, process: Process, after: Callable[..., list[str]]) -> Step:
    needed = [*after(*COMMON_STORES, *process.stores), "make topics"] if process.service != MAIL else []
    if process.service in SERVICES:
        needed.append(f"migrate {process.service}")
    if process.service == "user":
        needed.append("make token keys")
    if "s3" in process.stores:
        needed.append("make the bucket")
    return Step(process.name, partial(bringup.start, supervision, process.name, check(process, setting.ports)), needed)


def check(process: Process, ports: Mapping[str, int]) -> bringup.Ready:
    """gRPC health at the probe port where it speaks gRPC, /readyz elsewhere; the gateway's own port must answer too."""
    ops = f"http://127.0.0.1:{ports[process.ops]}/readyz"
    if process.listens == "grpc":
        return partial(readiness.grpc_serving, f"127.0.0.1:{ports[process.probe]}")
    if process.listens == "http":
        return partial(_both, ops, f"http://127.0.0.1:{ports[process.name]}/healthz")
    return partial(readiness.http_ready, ops)


async def _both(ops: str, own: str) -> None:
    await readiness.http_ready(ops)
    await readiness.answers(own)


async def make_databases(setting: Setting) -> None:
    passwords = {
        setting.names.databases + service: data.password_of(setting.secrets[f"postgres_dsn_{service}"])
        for service in DATABASES
    }
    await data.make_databases(setting.servers["HELIOGRAPH_POSTGRES_ADMIN_DSN"], passwords)


async def make_topics(setting: Setting) -> None:
    wanted = data.topics(TOPICS, setting.names)
    await data.make_topics(setting.servers["HELIOGRAPH_KAFKA_BOOTSTRAP"], wanted)


async def _command(setting: Setting, supervision: Supervision, service: str, command: str) -> None:
    process = next(process for process in TABLE if process.service == service)
    await asyncio.to_thread(processes.write_secrets, process, setting)
    (setting.root / "secrets" / "token-keys").mkdir(mode=0o700, exist_ok=True)
    environment = processes.environment(process, setting)
    arguments = [sys.executable, "-m", process.module, command]
    await bringup.command(f"{service}-{command}", arguments, environment, supervision)


def throwaway_secret(_: str) -> str:
    return secrets.token_hex(16)
