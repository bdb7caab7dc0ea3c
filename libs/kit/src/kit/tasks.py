"""Background tasks that outlive their own deaths, and waiting that others cannot end."""

import asyncio
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from kit import log, metrics
from kit.errors import Unavailable, from_exception

T = TypeVar("T")
Task = Callable[[], Awaitable[None]]

_FIRST_PAUSE = 0.5
_LONGEST_PAUSE = 30.0
_HEALTHY_AFTER = 60.0

logger = log.get(__name__)


@asynccontextmanager
async def background(tasks: Sequence[Task], grace: float) -> AsyncGenerator[None]:
    """Keeps `tasks` running until the block ends, then cancels them and waits up to `grace` seconds for their end."""
    running = [asyncio.create_task(keep_running(task), name=name_of(task)) for task in tasks]
    try:
        yield
    finally:
        for task in running:
            task.cancel()
        if running:
            _, late = await asyncio.wait(running, timeout=grace)
            for task in late:
                logger.error("task did not stop in time", task=task.get_name())


async def keep_running(task: Task) -> None:
    """Runs `task` until cancelled. When it dies or returns, it is started again after a pause that doubles from half a
    second to half a minute, and is short again once the task has lived for a minute."""
    loop, pause = asyncio.get_running_loop(), _FIRST_PAUSE
    while True:
        started = loop.time()
        await _run_once(task)
        if loop.time() - started > _HEALTHY_AFTER:
            pause = _FIRST_PAUSE
        metrics.TASK_RESTARTS.labels(name_of(task)).inc()
        await asyncio.sleep(pause * random.uniform(0.5, 1))  # noqa: S311 jitter, not a secret
        pause = min(pause * 2, _LONGEST_PAUSE)


async def uninterrupted(waited_for: Awaitable[T]) -> T:
    """A CancelledError that nobody sent to the running task comes from something that was waited for, such as a future
    of a client that another task has closed. asyncio takes it for the end of this task: a group goes on without it, as
    if its work were done. Here it is what it is, and raises Unavailable INTERRUPTED."""
    try:
        return await waited_for
    except asyncio.CancelledError as error:
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise
        raise Unavailable("INTERRUPTED", "what was waited for was cancelled", retry_after=1) from error


async def together(*parts: Awaitable[object]) -> None:
    """All of them at once; what one raises ends the others, and comes out in a group."""
    async with asyncio.TaskGroup() as group:
        for part in parts:
            group.create_task(uninterrupted(part))


def seen(task: "asyncio.Task[Any]") -> None:
    """A done callback for tasks that many wait for: they get the error, and when nobody waits any more that is no
    reason for a warning of the loop."""
    if not task.cancelled():
        task.exception()


def name_of(task: Task) -> str:
    return getattr(task, "__qualname__", None) or type(task).__qualname__


async def _run_once(task: Task) -> None:
    try:
        await uninterrupted(task())
    except Exception as error:  # the outermost boundary of a task
        known = from_exception(error)
        # A dependency that is down needs one line, not a stack at every attempt.
        logger.error("task died", task=name_of(task), reason=known and known.reason, exc_info=None if known else error)
    else:
        logger.error("task ended by itself", task=name_of(task))
