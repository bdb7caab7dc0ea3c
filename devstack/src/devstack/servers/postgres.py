"""PostgreSQL: truth. Syncs every commit to disk."""

import shutil
from pathlib import Path

from devstack import artifacts, machine
from devstack.site import Site, write_private
from devstack.unit import Unit

NAME = "postgres"
SUPERUSER = "heliograph"
WHO = "host all all samenet scram-sha-256\n"  # whoever shares a network with the address it listens on


def prepare(site: Site) -> None:
    folder = machine.own(site.server(NAME), site.account)
    if not (folder / "data").exists():
        _initdb(site, folder)
    for name, text in (("postgres.conf", render(site)), ("hba.conf", WHO)):
        (folder / name).write_text(text)
        (folder / name).chmod(0o644)


def _initdb(site: Site, folder: Path) -> None:
    password = folder / "first-password"
    write_private(password, site.secret("postgres_password"))
    machine.give(password, site.account)
    part = folder / "data.part"  # a data folder is complete or absent, also when this is killed
    shutil.rmtree(part, ignore_errors=True)
    command = [
        f"{artifacts.home(NAME)}/bin/initdb",
        f"--pgdata={part}",
        f"--username={SUPERUSER}",
        f"--pwfile={password}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--no-locale",
        "--locale-provider=builtin",
        "--builtin-locale=C.UTF-8",
        "--data-checksums",
    ]
    machine.run(command, site.account, site.log(NAME), what="make the Postgres data folder")
    part.rename(folder / "data")
    password.unlink()


def render(site: Site) -> str:
    return f"""\
listen_addresses = '{site.host}'
port = {site.ports[NAME]}
unix_socket_directories = ''
max_connections = 300
shared_buffers = 64MB
max_wal_size = 512MB
fsync = on
synchronous_commit = on
timezone = 'UTC'
log_timezone = 'UTC'
log_min_duration_statement = 500
"""


def unit(site: Site) -> Unit:
    folder = site.server(NAME)
    return Unit(
        name=NAME,
        command=[
            *machine.drop(site.account, death_signal="INT"),
            f"{artifacts.home(NAME)}/bin/postgres",
            f"--config-file={folder}/postgres.conf",
            f"--data_directory={folder}/data",
            f"--hba_file={folder}/hba.conf",
            f"--ident_file={folder}/data/pg_ident.conf",
        ],
        folder=folder,
        environment={"LANG": "C.UTF-8", "TZ": "UTC"},
        stop_signal="INT",
    )


def settings(site: Site) -> dict[str, str]:
    return {"HELIOGRAPH_POSTGRES_ADMIN_DSN": dsn(site, "postgres")}


def dsn(site: Site, database: str) -> str:
    password = site.secret("postgres_password")
    return f"postgresql://{SUPERUSER}:{password}@{site.host}:{site.ports[NAME]}/{database}"
