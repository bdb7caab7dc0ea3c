"""What a store's outage looks like from outside."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager

from kit import deadline
from kit.errors import DeadlineExceeded, Unavailable, from_exception


class Patience:
    """How long a server is waited for: `seconds` a call, and after a call that failed it is left alone for `rest`
    seconds, in which calls fail at once. So an outage does not eat up the time in which another way could be tried.

    Raises Unavailable, with the same reason whatever the driver raised; DeadlineExceeded when it was the caller who had
    no time, of which others hear nothing.
    """

    def __init__(self, server: str, *, seconds: float, rest: float, clock: Callable[[], float]) -> None:
        self._server, self._seconds, self._rest, self._clock = server, seconds, rest, clock
        self._rest_until = float("-inf")

    @asynccontextmanager
    async def waiting(self) -> AsyncGenerator[None]:
        if self._clock() < self._rest_until:
            raise self._unavailable()
        try:
            async with asyncio.timeout(self._seconds):
                yield
        except Exception as error:
            if not isinstance(from_exception(error), Unavailable):
                raise
            if _out_of_time():
                raise DeadlineExceeded("DEADLINE_EXCEEDED", "the answer did not come in time") from error
            self._rest_until = self._clock() + self._rest
            raise self._unavailable() from error

    def _unavailable(self) -> Unavailable:
        return Unavailable(f"{self._server}_UNAVAILABLE", "a backing service is not available", retry_after=1)


def _out_of_time() -> bool:
    left = deadline.remaining()
    return left is not None and left <= 0
