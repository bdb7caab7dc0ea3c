"""Waiting out the outage of a backing server."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from kit import log
from kit.errors import Aborted, DeadlineExceeded, Unavailable, from_exception
from kit.tasks import uninterrupted

T = TypeVar("T")

logger = log.get(__name__)


_TRANSIENT = (Unavailable, DeadlineExceeded, Aborted)


async def outlast(
    step: Callable[[], Awaitable[T]], *, what: str, first_pause: float = 0.1, longest_pause: float = 5.0
) -> T:
    """Runs `step`, again and again while something that it needs is down or it lost a race; any other error is raised.
    `what` names it in the log."""
    failures = 0
    while True:
        try:
            return await uninterrupted(step())
        except Exception as error:
            known = from_exception(error)
            if not isinstance(known, _TRANSIENT):
                raise
            failures += 1
            if failures & (failures - 1) == 0:  # the first, second, fourth, ... of an outage
                logger.warning("waiting", what=what, reason=known.reason, failures=failures)
        await asyncio.sleep(min(first_pause * 2 ** min(failures - 1, 16), longest_pause))
