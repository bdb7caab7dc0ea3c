"""Statements through Cassandra's driver, whose callbacks are brought into the event loop here and nowhere else."""

import asyncio
import itertools
from collections.abc import Sequence
from typing import Any, TypeAlias

from cassandra import OperationTimedOut

from kit import deadline
from kit.cql import Session

# The driver has no types.
Row: TypeAlias = Any
PreparedStatement: TypeAlias = Any
Statement: TypeAlias = Any

_FORGOTTEN_SECONDS = 60.0  # more than any read of many pages needs


async def run(session: Session, statement: Statement, params: Sequence[object], *, seconds: float) -> list[Row]:
    """All rows, page by page, within these seconds or what is left of the request."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[list[Row]] = loop.create_future()
    rows: list[Row] = []
    future = session.execute_async(statement, params or None, timeout=_time_left(seconds))

    # Both run in the driver's thread.
    def succeed(page: Sequence[Row] | None) -> None:
        rows.extend(page or ())
        if future.has_more_pages:
            future.start_fetching_next_page()
        else:
            _tell(loop, done, rows)

    def fail(error: Exception) -> None:
        _tell(loop, done, error)

    future.add_callbacks(succeed, fail)
    return await _told(done)


async def run_all(session: Session, statements: Sequence[Statement], *, seconds: float) -> None:
    """All at once; raises what the first to fail did."""
    if not statements:
        return
    loop = asyncio.get_running_loop()
    done: asyncio.Future[list[Row]] = loop.create_future()
    most = _time_left(seconds)
    finished = itertools.count(1)

    # Both run in the driver's thread.
    def succeed(_: object) -> None:
        if next(finished) == len(statements):
            _tell(loop, done, [])

    def fail(error: Exception) -> None:
        _tell(loop, done, error)

    for statement in statements:
        session.execute_async(statement, timeout=most).add_callbacks(succeed, fail)
    await _told(done)


async def _told(done: "asyncio.Future[list[Row]]") -> list[Row]:
    """The driver gives each request its time. Should it forget one, nobody waits for ever."""
    try:
        async with asyncio.timeout(_FORGOTTEN_SECONDS):
            return await done
    except TimeoutError:
        raise OperationTimedOut("the driver never told") from None


def _tell(loop: asyncio.AbstractEventLoop, done: "asyncio.Future[list[Row]]", outcome: "list[Row] | Exception") -> None:
    def settle() -> None:
        if done.done():  # the caller gave up
            return
        if isinstance(outcome, Exception):
            done.set_exception(outcome)
        else:
            done.set_result(outcome)

    if not loop.is_closed():
        loop.call_soon_threadsafe(settle)


def _time_left(seconds: float) -> float:
    left = deadline.remaining()
    return seconds if left is None else min(left, seconds)
