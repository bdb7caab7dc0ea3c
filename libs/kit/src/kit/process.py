"""Runs a process: the event loop, and what its end means to whoever started it."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import NoReturn

import uvloop

from kit import log
from kit.settings import BadSettings, report


def run(main: Callable[[], Awaitable[None]]) -> NoReturn:
    """Runs `main` on uvloop and exits: 0 when it returns, 78 for bad settings, 130 for Ctrl-C, else 1 with one log
    line."""
    sys.exit(_status_of(main))


def _status_of(main: Callable[[], Awaitable[None]]) -> int:
    async def body() -> None:
        await main()

    try:
        uvloop.run(body())
    except BadSettings as error:
        return report(error)
    except (KeyboardInterrupt, asyncio.CancelledError):
        return 130
    except Exception:  # noqa: BLE001 the outermost boundary of the process
        log.get(__name__).exception("died")
        return 1
    return 0
