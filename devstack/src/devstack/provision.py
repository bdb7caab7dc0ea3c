"""`python -m devstack provision secrets | cluster-secrets | stores`: what servers need that something else runs.

Reads HELIOGRAPH_POSTGRES_ADDRESS (host:port), HELIOGRAPH_REDIS_URL, HELIOGRAPH_KAFKA_BOOTSTRAP, HELIOGRAPH_S3_ENDPOINT,
HELIOGRAPH_S3_REGION and HELIOGRAPH_S3_ACCESS_KEY. All commands are idempotent.
"""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from devstack import cluster_secrets, data, processes, system
from devstack.faults import StackError
from devstack.names import Names
from devstack.processes import TABLE, Setting
from devstack.site import Site

app = typer.Typer(no_args_is_help=True, pretty_exceptions_enable=False, help="For servers that something else runs.")

SUPERUSER = "postgres"
READ = ("POSTGRES_ADDRESS", "REDIS_URL", "KAFKA_BOOTSTRAP", "S3_ENDPOINT", "S3_REGION", "S3_ACCESS_KEY")
Root = Annotated[Path, typer.Option(help="The folder above `secrets`.")]


@app.command()
def secrets(root: Root) -> None:
    """Write random secrets that are not there yet: ROOT/secrets/<service>/ for each service, and the servers' own."""
    write_secrets(root, os.environ)


@app.command(name="cluster-secrets")
def secrets_of_cluster(root: Root) -> None:
    """The same as Secrets of the namespace that this pod is in; ROOT/token-keys, where it is, becomes one, too."""
    cluster = cluster_secrets.here(os.environ)
    folder = root / "secrets"
    folder.mkdir(mode=0o711, parents=True, exist_ok=True)
    cluster_secrets.recall(cluster, folder)
    write_secrets(root, os.environ)
    made = cluster_secrets.publish(cluster, root)
    typer.echo(f"made: {', '.join(made) or 'nothing, all were there'}")


@app.command()
def stores(root: Root) -> None:
    """Make the databases, the bucket and the topics."""
    asyncio.run(_stores(_setting(root, os.environ)))


def write_secrets(root: Path, variables: Mapping[str, str]) -> None:
    told = _setting(root, variables)
    for process in TABLE:
        processes.write_secrets(process, told)


async def _stores(told: Setting) -> None:
    await system.make_databases(told)
    await system.make_topics(told)
    await data.make_bucket(told.servers, told.names.bucket)


def _setting(root: Path, variables: Mapping[str, str]) -> Setting:
    (root / "secrets").mkdir(mode=0o711, parents=True, exist_ok=True)
    site, names = Site(root, {}, None, Path()), Names()
    if absent := [name for name in READ if not variables.get(f"HELIOGRAPH_{name}")]:
        raise StackError(f"not set: {', '.join(f'HELIOGRAPH_{name}' for name in absent)}")
    servers = {f"HELIOGRAPH_{name}": variables[f"HELIOGRAPH_{name}"] for name in READ}
    servers["HELIOGRAPH_S3_SECRET_KEY"] = site.secret("s3_secret_key")
    password, address = site.secret("postgres_password"), servers["HELIOGRAPH_POSTGRES_ADDRESS"]
    servers["HELIOGRAPH_POSTGRES_ADMIN_DSN"] = f"postgresql://{SUPERUSER}:{password}@{address}/postgres"
    return Setting(root, servers, names, {}, system.make_secrets(servers, names.databases, site.secret))
