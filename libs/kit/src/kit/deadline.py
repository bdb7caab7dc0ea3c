"""How long the current request may still take. kit.server sets it, kit.client passes on what is left of it."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from contextvars import ContextVar

# Not state of the module: each request's task has its own value.
_end: ContextVar[float | None] = ContextVar("kit_deadline", default=None)


def remaining() -> float | None:
    """Seconds left, negative when it is over; None outside a request."""
    end = _end.get()
    return None if end is None else end - time.monotonic()


@contextmanager
def within(seconds: float) -> Generator[None]:
    """What runs inside may take at most `seconds`, or what was left before if that is less. Cancels nothing itself:
    the calls made inside end in time."""
    token = _end.set(_earlier(seconds))
    try:
        yield
    finally:
        _end.reset(token)


def start(seconds: float) -> None:
    """Sets the deadline of the current task for good: for the outermost frame of a request, which owns its task."""
    _end.set(_earlier(seconds))


def renew(seconds: float) -> None:
    """Gives the current task a deadline of its own, whatever that of its maker was: for work that many wait for."""
    _end.set(time.monotonic() + seconds)


def _earlier(seconds: float) -> float:
    end = time.monotonic() + seconds
    before = _end.get()
    return end if before is None else min(before, end)
