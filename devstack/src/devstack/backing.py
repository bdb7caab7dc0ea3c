"""The six backing servers as one thing: fetch, prepare, start, and where they answer."""

import asyncio
import json
import shutil
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from types import ModuleType
from typing import Protocol, cast

from devstack import artifacts, bringup, readiness
from devstack.bringup import Step
from devstack.faults import StackError
from devstack.servers import cassandra, elasticsearch, kafka, postgres, redis, s3
from devstack.site import Site, write_private
from devstack.supervision import Supervision
from devstack.unit import Unit

PREPARE = "prepare the servers"
FREE_DISK = 2 * 1024**3
FREE_DISK_TO_FETCH = 1024**3


class Server(Protocol):
    """What each module in `servers` is."""

    NAME: str

    def prepare(self, site: Site) -> None: ...
    def unit(self, site: Site) -> Unit: ...
    def settings(self, site: Site) -> dict[str, str]: ...


def servers() -> Mapping[str, Server]:
    modules: Sequence[ModuleType] = (postgres, redis, kafka, cassandra, elasticsearch, s3)
    return {server.NAME: server for server in map(partial(cast, Server), modules)}


def settings(site: Site) -> dict[str, str]:
    """Where the servers answer, as HELIOGRAPH_* variables."""
    return {name: value for server in servers().values() for name, value in server.settings(site).items()}


def check_disk(site: Site) -> None:
    places = [(site.root, FREE_DISK)]
    if artifacts.missing():
        folder = artifacts.cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
        places.append((folder, FREE_DISK_TO_FETCH))
    for folder, needed in places:
        free = shutil.disk_usage(folder).free
        if free < needed:
            raise StackError(
                f"the disk of {folder} is full: {free / 1024**3:.1f} GiB free, {needed / 1024**3:.0f} GiB needed"
            )


async def fetch() -> None:
    """What is not in the cache yet, two at a time."""
    missing = artifacts.missing()
    if missing and shutil.which("mvn") is None:
        raise StackError("Maven is missing: install the package maven")
    pool, loop = ThreadPoolExecutor(2), asyncio.get_running_loop()
    try:
        await asyncio.gather(*(loop.run_in_executor(pool, artifacts.fetch, program) for program in missing))
    finally:
        pool.shutdown(cancel_futures=True)  # after a fault the rest is not begun


def units(site: Site) -> list[Unit]:
    return [server.unit(site) for server in servers().values()]


def prepare_step(site: Site, supervision: Supervision, after: Sequence[str]) -> Step:
    """Writes configurations and first data of the servers that do not run."""

    async def prepare() -> None:
        states = await asyncio.to_thread(supervision.states) if supervision.alive() else {}
        idle = [server for name, server in servers().items() if name not in states or not states[name].pid]
        await asyncio.gather(*(asyncio.to_thread(server.prepare, site) for server in idle))

    return Step(PREPARE, prepare, after)


def start_steps(site: Site, supervision: Supervision, after: Sequence[str]) -> list[Step]:
    """One step per server, called like it."""
    told = settings(site)
    return [
        Step(name, partial(bringup.start, supervision, name, partial(check, told)), after)
        for name, check in readiness.SERVERS.items()
    ]


def publish(site: Site) -> None:
    """Write servers.json, where tests look."""
    write_private(site.root / "servers.json", json.dumps(settings(site), indent=2) + "\n")
