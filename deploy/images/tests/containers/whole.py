"""A whole Heliograph out of images, on servers that run already and with data of its own there."""

import asyncio
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Self

from devstack.bringup import Ready
from devstack.names import fresh_names
from devstack.processes import MAIL, TABLE, Process, Setting
from devstack.readiness import NotReady
from devstack.site import make_root, read_json
from devstack.testing import REDIS_DATABASES
from kit.testing import eventually

from deploy.images.assemble import UID
from deploy.images.container import Box, Running
from devstack import data, ports, processes, system

READY_SECONDS = 400
SECRETS, KEYS = "/run/heliograph/secrets", "/run/heliograph/token-keys"
# Folders of this machine, where a container has its own /tmp.
NOT_TOLD = ("HELIOGRAPH_AVATAR_FOLDER", "HELIOGRAPH_MEDIA_FOLDER")


@dataclass
class Whole:
    setting: Setting
    box_of: Callable[..., Box]
    running: dict[str, Running] = field(default_factory=dict[str, Running])

    @classmethod
    def at(cls, root: Path, servers: Path, box_of: Callable[..., Box]) -> Self:
        make_root(root)
        known: dict[str, str] = {}

        def secret(name: str) -> str:
            return known.setdefault(name, system.throwaway_secret(name))

        told = {name: str(value) for name, value in read_json(servers).items()}
        names = fresh_names(random.choice(REDIS_DATABASES))
        chosen = ports.choose(root, processes.default_ports(), {}, free=True)
        return cls(Setting(root, told, names, chosen, system.make_secrets(told, names.databases, secret)), box_of)

    async def make_data(self) -> None:
        """Databases, bucket and topics; then each service's own command for its tables."""
        await data.flush_redis(self.setting.servers, self.setting.names.redis_database)
        await system.make_databases(self.setting)
        await data.make_bucket(self.setting.servers, self.setting.names.bucket)
        await system.make_topics(self.setting)
        for process in [process for process in TABLE if process.arguments == ("serve",)]:
            await asyncio.to_thread(self._once, process, "migrate")
        await asyncio.to_thread(self._once, TABLE[0], "keys")

    def _once(self, process: Process, command: str) -> None:
        ended = self.box(process).run(process.module, command)
        assert ended.status == 0, f"{process.name} {command}: {ended.out}{ended.err}"

    def box(self, process: Process) -> Box:
        processes.write_secrets(process, self.setting)
        told = processes.environment(process, self.setting)
        told = {name: value for name, value in told.items() if name.startswith("HELIOGRAPH_") and name not in NOT_TOLD}
        told["HELIOGRAPH_SECRETS_DIR"] = SECRETS
        secrets = self.setting.root / "secrets" / process.service
        volumes = {secrets: f"{SECRETS}:ro"}
        if process.service == "user":
            told["HELIOGRAPH_TOKEN_KEYS_DIR"] = KEYS
            keys = self.setting.root / "secrets" / "token-keys"
            keys.mkdir(mode=0o700, exist_ok=True)
            volumes[keys] = KEYS
        if process.service == MAIL:
            told["HELIOGRAPH_MAIL_FOLDER"] = "/tmp/mail"
        for folder in volumes:
            give_away(folder)
        return self.box_of(image_of(process), environment=told, volumes=volumes)

    async def start(self) -> None:
        """All processes. Raises AssertionError with the log of one that is not ready in time."""
        for process in TABLE:
            box = self.box(process)
            self.running[process.name] = await asyncio.to_thread(box.start, process.module, *process.arguments)
        await asyncio.gather(*(self._ready(process) for process in TABLE))

    async def _ready(self, process: Process) -> None:
        check = partial(answers, system.check(process, self.setting.ports))
        try:
            await eventually(check, timeout=READY_SECONDS)
        except AssertionError as error:
            raise AssertionError(f"{process.name}: {error}\n{self.running[process.name].log()[-3000:]}") from None

    async def drop(self) -> None:
        for running in self.running.values():
            await asyncio.to_thread(running.remove)
        await data.drop(self.setting.servers, self.setting.names)


def image_of(process: Process) -> str:
    return "devstack" if process.service == MAIL else process.service


async def answers(check: Ready) -> bool:
    """Raises AssertionError while it is not ready."""
    try:
        await check()
    except NotReady as reason:
        raise AssertionError(str(reason)) from reason
    return True


def give_away(folder: Path) -> None:
    """To the user that containers run as."""
    for path in (folder, *folder.iterdir()):
        os.chown(path, UID, UID)
