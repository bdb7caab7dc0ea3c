"""Runs a process: which of its commands, on which loop, and what its end means to whoever started it."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar

import uvloop

from kit import log, telemetry
from kit.settings import BadSettings, ProcessSettings, Settings, read, report

EXIT_USAGE = 64  # EX_USAGE of sysexits.h
EXIT_INTERRUPTED = 130

S = TypeVar("S", bound=Settings)


@dataclass(frozen=True)
class Command(Generic[S]):
    """One thing that a process can be asked to do. `body` gets the settings, read; what it answers is awaited on
    uvloop, if it answers anything. `name` is what logs and traces call the process, where it is not the service's."""

    settings: type[S]
    body: Callable[[S], Awaitable[None] | None]
    name: str = ""


def main(service: str, commands: Mapping[str, Command[Any]]) -> NoReturn:
    """Runs the command that the first argument names, with logs and tracing set up, and exits as `run` does, or with
    64 when there is none of that name."""
    command = commands.get(" ".join(sys.argv[1:]))
    if command is None:
        sys.stderr.write(f"usage: {service} {{{','.join(commands)}}}\n")
        sys.exit(EXIT_USAGE)
    sys.exit(_status_of(lambda: _execute(service, command)))


def run(main: Callable[[], Awaitable[None]]) -> NoReturn:
    """Runs `main` on uvloop and exits: 0 when it returns, 78 for bad settings, 130 for Ctrl-C, else 1 with one log
    line."""
    sys.exit(_status_of(lambda: uvloop.run(_awaiting(main()))))


def _execute(service: str, command: Command[Any]) -> None:
    settings = read(command.settings)
    observed = settings if isinstance(settings, ProcessSettings) else read(ProcessSettings)
    name = command.name or service
    log.configure(name, observed.log_level)
    telemetry.configure(observed, name)
    outcome = command.body(settings)
    if outcome is not None:
        uvloop.run(_awaiting(outcome))


async def _awaiting(outcome: Awaitable[None]) -> None:
    await outcome


def _status_of(body: Callable[[], None]) -> int:
    try:
        body()
    except BadSettings as error:
        return report(error)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return EXIT_INTERRUPTED
    except Exception:  # noqa: BLE001 the outermost boundary of the process
        log.get(__name__).exception("died")
        return 1
    return 0
