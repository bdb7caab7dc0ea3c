"""Posts wait to be planned while the lane that they would go to is full."""

import asyncio
from collections.abc import Callable

_PAUSE_SECONDS = 0.1


class Backlog:
    """`waiting` says how many tasks of the lane this process has not done, at most half a second ago. The processes
    share a lane evenly, so each sees its part."""

    def __init__(self, waiting: Callable[[], int], *, most: int) -> None:
        self._waiting, self._most = waiting, most

    async def room(self) -> None:
        while self._waiting() >= self._most:  # noqa: ASYNC110 what it waits for is a number
            await asyncio.sleep(_PAUSE_SECONDS)
