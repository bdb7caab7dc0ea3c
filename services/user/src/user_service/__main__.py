"""The user service: `python -m user_service serve | work | migrate | keys`; the last takes
`list | rotate | retire KID`, and `--dir FOLDER`."""

import sys
import warnings
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from kit import migrations, server
from kit.process import Command, main
from kit.settings import PostgresSettings

from user_service.callers import CALLERS
from user_service.settings import UserSettings, WorkerSettings
from user_service.wiring.base import open_base
from user_service.wiring.keys import key_command
from user_service.wiring.serving import serving_of
from user_service.wiring.working import working_of


async def serve(settings: UserSettings) -> None:
    async with AsyncExitStack() as stack:
        base = await open_base(stack, settings, now)
        serving = serving_of(base)
        await server.serve(
            settings,
            "user",
            register=serving.register,
            names=serving.names,
            callers=CALLERS,
            checks={"postgres": base.postgres.check},
            tasks=serving.tasks,
        )


async def work(settings: WorkerSettings) -> None:
    async with AsyncExitStack() as stack:
        base = await open_base(stack, settings, now)
        tasks = await working_of(stack, base, settings)
        await server.work(settings, "user-worker", checks={"postgres": base.postgres.check}, tasks=tasks)


def now() -> datetime:
    return datetime.now(UTC)


def migrate(settings: PostgresSettings) -> None:
    migrations.migrate(settings.postgres_dsn.get_secret_value(), Path(__file__).parents[2] / "migrations")


def commands(arguments: list[str]) -> dict[str, Command[Any]]:
    known: dict[str, Command[Any]] = {
        "serve": Command(UserSettings, serve),
        "work": Command(WorkerSettings, work, "user-worker"),
        "migrate": Command(PostgresSettings, migrate),
    }
    for asked in (["keys"], arguments):
        if asked[:1] == ["keys"] and (command := key_command(asked[1:], now)):
            known[" ".join(asked)] = command
    return known


if __name__ == "__main__":
    # Its new name, Ed25519 (RFC 9864), is not yet known to the libraries of many clients.
    warnings.filterwarnings("ignore", message="EdDSA is deprecated")
    main("user", commands(sys.argv[1:]))
