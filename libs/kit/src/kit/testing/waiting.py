"""Waiting for what comes true by itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

_PAUSE = 0.02


async def eventually(predicate: Callable[[], Awaitable[T | None]], timeout: float = 10) -> T:  # noqa: ASYNC109 it never cancels
    """Calls until the answer is truthy and hands it back; an AssertionError counts as not yet. Fails after `timeout`
    seconds with the last AssertionError."""
    end = time.monotonic() + timeout
    while True:
        fault = AssertionError(f"not within {timeout} s")
        try:
            if answer := await predicate():
                return answer
        except AssertionError as error:
            fault = error
        if time.monotonic() > end:
            raise fault
        await asyncio.sleep(_PAUSE)
