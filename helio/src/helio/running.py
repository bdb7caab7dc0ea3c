"""How every command runs: the system found, its coroutine run, its end told by an exit code."""

import asyncio
import os
import sys
from collections.abc import Awaitable, Callable
from typing import NoReturn

from heliograph.user.v1.admin_pb2 import Actor
from kit.errors import DeadlineExceeded, DomainError, NotFound, Unavailable
from kit.settings import BadSettings

from helio import site
from helio.calls import Operator, opened

REFUSED, NOT_FOUND, UNREACHABLE, NO_SITE, INTERRUPTED = 1, 3, 4, 78, 130


def run(body: Callable[[Operator], Awaitable[None]]) -> None:
    """Exits 0 when it is done, 1 when it is refused, 3 for what is not there, 4 for a service that does not answer, 78
    when no system is found, 130 for Ctrl-C. 2 is a wrong command line."""
    try:
        asyncio.run(_run(body))
    except (site.NoSite, BadSettings) as error:
        _end(str(error), NO_SITE)
    except NotFound as error:
        _end(error.message, NOT_FOUND)
    except (Unavailable, DeadlineExceeded) as error:
        _end(f"a service does not answer ({error.reason}): is the system up?", UNREACHABLE)
    except DomainError as error:
        faults = "".join(f"; {fault.field}: {fault.reason}" for fault in error.fields)
        _end(f"{error.message} ({error.reason}){faults}", REFUSED)
    except KeyboardInterrupt:
        _end("stopped", INTERRUPTED)


async def _run(body: Callable[[Operator], Awaitable[None]]) -> None:
    actor = Actor(operator=site.operator(os.environ), address=site.machine(), user_agent="helio")
    async with opened(site.find(os.environ), actor) as operator:
        await body(operator)


def _end(text: str, status: int) -> NoReturn:
    sys.stderr.write(f"helio: {text}\n")
    sys.exit(status)
